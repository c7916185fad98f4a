/** The OpenAPI document is one, and says of every call what the calls do. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startCalls } from './calls.ts';

type Parameter = Readonly<{ name: string; in: string; required?: boolean; description?: string; schema?: object }>;
type Operation = Readonly<{
  operationId: string;
  summary: string;
  parameters?: readonly Parameter[];
  responses: Readonly<Record<string, Readonly<{ description?: string; content?: object }>>>;
}>;
type Document = Readonly<{
  openapi: string;
  info: Readonly<{ title: string; version: string }>;
  security: unknown;
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: Readonly<{ schemas: object; securitySchemes: Readonly<{ admin: Readonly<{ scheme: string }> }> }>;
}>;

const { call, endpoints } = await startCalls({ after });
const answer = await call('GET', '/api/openapi.json', { headers: { Authorization: '' } });
const document: Document = JSON.parse(answer.body);

const everythingIn = (value: unknown): unknown[] =>
  typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(everythingIn)] : [];

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

test('it is served to whoever asks, without a token, and cannot be written', async () => {
  assert.equal(answer.status, 200);
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
  assert.equal((await call('HEAD', '/api/openapi.json', { headers: { Authorization: '' } })).status, 200);
  assert.equal((await call('POST', '/api/openapi.json', { headers: { Authorization: '' } })).status, 405);
  assert.equal((await call('GET', '/api/openapi.json?x=1', { headers: { Authorization: '' } })).status, 400);
});

test('it is an OpenAPI 3.1 document: title, version, paths, and a scheme for the token', () => {
  assert.match(document.openapi, /^3\.1\.\d+$/);
  assert.ok(document.info.title && document.info.version);
  assert.deepEqual(document.security, [{ admin: [] }]);
  assert.equal(document.components.securitySchemes.admin.scheme, 'bearer');
});

test('every route of the router is in it, and nothing else', () => {
  const documented = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`).sort();
  const routed = endpoints.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
  assert.deepEqual(documented, [...routed, 'GET /api/openapi.json'].sort());
});

test('every operation has a name of its own, a summary, its parameters and its answers', () => {
  const names = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(names).size, operations.length);
  for (const { path, operation } of operations) {
    assert.ok(operation.summary, path);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const { parameters = [], responses } = operation;
    const declared = parameters.filter((parameter) => parameter.in === 'path');
    assert.deepEqual(
      declared.map(({ name }) => name),
      inPath,
    );
    assert.ok(parameters.every(({ schema, description }) => schema && description));
    assert.ok(declared.every(({ required }) => required));
    const statuses = Object.keys(responses);
    assert.ok(statuses.some((status) => status.startsWith('2')) && statuses.includes('400'), path);
    for (const [status, response] of Object.entries(responses)) {
      assert.ok(response.description, `${path} ${status}`);
      assert.deepEqual(
        Object.keys(response.content ?? {}),
        status === '204' ? [] : [status < '400' ? 'application/json' : 'application/problem+json'],
      );
    }
  }
});

test('every reference leads to a schema, and every schema is led to', () => {
  const refs = everythingIn(document).flatMap((value) => {
    const { $ref } = value as { $ref?: string };
    return typeof $ref === 'string' ? [$ref] : [];
  });
  const schemas = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
  assert.deepEqual([...new Set(refs)].sort(), schemas.sort());
});

test('types are those of JSON Schema, and what is required is described', () => {
  const types = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
  for (const value of everythingIn(document.components.schemas)) {
    const { type, required, properties } = value as { type?: unknown; required?: string[]; properties?: object };
    for (const one of [type].flat()) assert.ok(typeof one !== 'string' || types.includes(one), String(one));
    if (Array.isArray(required)) assert.ok(required.every((name) => Object.hasOwn(properties ?? {}, name)));
  }
});
