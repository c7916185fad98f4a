/** `GET /api/openapi.json`. */
import { z } from 'zod';
import { type Endpoint, endpoint } from './endpoint.ts';
import { openApiDocument } from './openapi.ts';

/**
 * Open to everybody: it says no more than the documentation, and tools fetch it without a token. Made when it is first asked
 * for, of all `endpoints` and of itself.
 */
export const createOpenApiCall = (endpoints: readonly Endpoint[]): Endpoint => {
  let document: ReturnType<typeof openApiDocument> | undefined;
  const self = endpoint({
    method: 'GET',
    path: '/api/openapi.json',
    operation: 'getOpenApiDocument',
    tag: 'About',
    summary: 'This document. It needs no token.',
    access: 'anybody',
    answers: [{ status: 200, description: 'An OpenAPI 3.1 document.', shape: z.record(z.string(), z.unknown()) }],
    async call() {
      document ??= openApiDocument([...endpoints, self]);
      return { status: 200, body: document };
    },
  });
  return self;
};
