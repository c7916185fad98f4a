/** One call of the admin API. What the router does and what the OpenAPI document says are made of the same. */
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { isRefusal, type RefusalCode } from '../../core/refusal.ts';
import { readJson } from './json-body.ts';
import type { Outcome } from './outcome.ts';
import { readQuery } from './query.ts';

export type Asked<Query, Body> = Readonly<{
  /** A parameter of the path, decoded. */
  param(name: string): string;
  query: Query;
  body: Body;
  /** A header, by its lower-case name. */
  header(name: string): string | undefined;
}>;

export type Success = Readonly<{
  status: 200 | 201 | 204;
  description: string;
  shape?: z.ZodType;
  /** Headers beside the usual ones, with what they say. */
  headers?: Readonly<Record<string, string>>;
}>;

export type EndpointDescription = Readonly<{
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** As the router reads it: `/api/keys/:id`. */
  path: string;
  /** Names the call in generated clients: `createKey`. */
  operation: string;
  /** The group it is listed in. */
  tag: string;
  summary: string;
  description?: string;
  /** What each parameter of the path is. */
  params?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  answers: readonly Success[];
  /** Besides those that every call may give: wrong token, wrong query or body, a store that fails. */
  refusals?: readonly RefusalCode[];
  /** `reporter`: the usage token opens it too. `anybody`: it needs no token. Both are for paths without parameters. */
  access?: 'admin' | 'reporter' | 'anybody';
}>;

type Spec<Query, Body> = EndpointDescription &
  Readonly<{
    query?: z.ZodType<Query> & z.ZodObject;
    body?: z.ZodType<Body>;
    /** 64 KiB unless it says otherwise. */
    maxBodyBytes?: number;
    call(asked: Asked<Query, Body>): Promise<Outcome>;
  }>;

export type Endpoint = EndpointDescription &
  Readonly<{
    query: z.ZodObject | undefined;
    body: z.ZodType | undefined;
    answer(context: RouterContext): Promise<Outcome>;
  }>;

const nothing = z.strictObject({});

/** Without `query` any query is refused; without `body` none is read. */
export const endpoint = <Query = undefined, Body = undefined>(spec: Spec<Query, Body>): Endpoint => {
  const { query: queryShape, body: bodyShape, maxBodyBytes, call, ...description } = spec;
  return {
    ...description,
    query: queryShape,
    body: bodyShape,

    async answer(context) {
      const query = readQuery(context.querystring, queryShape ?? nothing);
      if (isRefusal(query)) return query;
      const body = bodyShape && (await readJson(context.req, bodyShape, maxBodyBytes));
      if (isRefusal(body)) return body;
      return call({
        param: (name) => context.params[name] ?? '',
        // Left out of the specification, they are of the type `undefined`.
        query: query as Query,
        body: body as Body,
        header: (name) => context.req.headersDistinct[name]?.join(', '),
      });
    },
  };
};
