/** The OpenAPI 3.1 document of the admin API, from the table of its calls. */
import { z } from 'zod';
import { type RefusalCode, refusalKinds } from '../../core/refusal.ts';
import type { Endpoint, Success } from './endpoint.ts';
import { schemaNames } from './schema-names.ts';

type Json = Readonly<Record<string, unknown>>;

const problem = {
  type: 'object',
  description: 'RFC 9457. `code` is stable, sentences may change.',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    detail: { type: 'string' },
  },
};

const info = {
  title: 'Sallyport admin API',
  version: '1',
  description: 'API keys, sessions, usage. Every call but this document needs the admin token.',
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
};

/** `/api/keys/:id` → `/api/keys/{id}`. */
const templateOf = (path: string): string => path.replace(/:(\w+)/g, '{$1}');

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** What every call may be refused for. */
const refusalsOf = ({ access, body, refusals = [] }: Endpoint): RefusalCode[] => [
  'bad_request',
  ...(access === 'anybody' ? [] : (['admin_token_required', 'too_many_failures', 'store_unavailable'] as const)),
  ...(body ? (['body_too_large', 'unsupported_media_type'] as const) : []),
  ...refusals,
];

const refusalAnswers = (endpoint: Endpoint): Json => {
  const byStatus = new Map<number, RefusalCode[]>();
  for (const code of refusalsOf(endpoint)) {
    const { status } = refusalKinds[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${refusalKinds[code].meaning}`).join(' '),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
};

/** Schemas by name; what has no name of its own takes that of its call. */
const createNaming = () => {
  const registry = z.registry<{ id: string }>();
  return {
    name(shape: z.ZodType, ifNameless: string): Json {
      const id = registry.get(shape)?.id ?? schemaNames.get(shape)?.id ?? ifNameless;
      if (!registry.has(shape)) registry.add(shape, { id });
      return { $ref: `#/components/schemas/${id}` };
    },
    schemas(): Json {
      const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: (id) => `#/components/schemas/${id}` });
      return Object.fromEntries(
        Object.entries(schemas).map(([id, { $schema: _, $id: __, id: ___, ...schema }]) => [id, schema]),
      );
    },
  };
};

type Naming = ReturnType<typeof createNaming>;

const successAnswers = ({ operation, answers }: Endpoint, { name }: Naming): Json =>
  Object.fromEntries(
    answers.map(({ status, description, shape, headers }: Success) => [
      status,
      {
        description,
        ...(headers && { headers: mapValues(headers, (what) => ({ description: what, schema: { type: 'string' } })) }),
        ...(shape && { content: { 'application/json': { schema: name(shape, `${capital(operation)}Answer`) } } }),
      },
    ]),
  );

const mapValues = <T>(record: Readonly<Record<string, string>>, make: (value: string) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, make(value)]));

const text = { type: 'string' };

const parametersOf = ({ params = {}, query, headers = {} }: Endpoint): Json[] => {
  const { properties = {}, required = [] } = query ? z.toJSONSchema(query, { io: 'input' }) : {};
  return [
    ...Object.entries(params).map(([name, description]) => ({
      name,
      in: 'path',
      required: true,
      description,
      schema: text,
    })),
    ...Object.entries(properties).map(([name, schema]) => {
      const { description, ...rest } = typeof schema === 'object' ? schema : {};
      return { name, in: 'query', required: required.includes(name), description, schema: rest };
    }),
    ...Object.entries(headers).map(([name, description]) => ({ name, in: 'header', description, schema: text })),
  ];
};

const operationOf = (endpoint: Endpoint, naming: Naming): Json => {
  const { operation, tag, summary, description, body, access } = endpoint;
  const parameters = parametersOf(endpoint);
  return {
    operationId: operation,
    tags: [tag],
    summary,
    ...(description && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: naming.name(body, `${capital(operation)}Request`) } },
      },
    }),
    responses: { ...successAnswers(endpoint, naming), ...refusalAnswers(endpoint) },
    ...(access === 'anybody' && { security: [] }),
  };
};

export const openApiDocument = (endpoints: readonly Endpoint[]): Json => {
  const naming = createNaming();
  const paths: Record<string, Json> = {};
  for (const endpoint of endpoints) {
    const path = templateOf(endpoint.path);
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(endpoint, naming) };
  }
  return {
    openapi: '3.1.0',
    info,
    security: [{ admin: [] }],
    paths,
    components: {
      securitySchemes: { admin: { type: 'http', scheme: 'bearer', description: 'The admin token.' } },
      schemas: { ...naming.schemas(), Problem: problem },
    },
  };
};
