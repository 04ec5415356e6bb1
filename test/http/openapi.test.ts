import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { OPENAPI_FILE, openApiText } from '../../src/http/openapi.ts';
import { setup } from './setup.ts';

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly { name: string; in: string; schema: object }[];
  readonly responses: Record<string, { description: string; content: Record<string, { schema: object }> }>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly securitySchemes: Record<string, unknown>; readonly schemas: Record<string, unknown> };
}

/** Comes with the generator of clients, and is no dependency of its own. */
const VALIDATOR = '@apidevtools/swagger-parser';
const document = JSON.parse(openApiText()) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test('the generated file is up to date: npm run openapi', () => {
  expect(readFileSync(OPENAPI_FILE, 'utf8')).toBe(openApiText());
});

test('the daemon serves what the file says', async () => {
  const response = await setup().get('/openapi.json');
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(await response.text()).toBe(readFileSync(OPENAPI_FILE, 'utf8'));
});

test('the document is sound OpenAPI 3.1', async () => {
  const require = createRequire(createRequire(import.meta.url).resolve('oazapfts'));
  const validator = require(VALIDATOR) as { validate(document: unknown): Promise<unknown> };
  expect(document.openapi).toBe('3.1.0');
  await validator.validate(structuredClone(document));
  await expect(validator.validate({ ...document, paths: { '/x': { get: { responses: 7 } } } })).rejects.toThrow(/schema/i);
});

test('every call of the specification is in it', () => {
  expect(operations.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual([
    'get /healthz',
    'get /metrics',
    'get /openapi.json',
    'get /readyz',
    'get /v1/events',
    'get /v1/jobs',
    'get /v1/jobs/{job}',
    'get /v1/jobs/{job}/ticks',
    'get /v1/runs',
    'get /v1/runs/{id}',
    'get /v1/runs/{id}/log',
    'post /v1/jobs/{job}/cancel',
    'post /v1/jobs/{job}/pause',
    'post /v1/jobs/{job}/resume',
    'post /v1/jobs/{job}/runs',
    'post /v1/runs/{id}/cancel',
  ]);
});

describe.each(operations)('$method $path', ({ path, operation }) => {
  test('has a name, a summary, and a problem for every refusal', () => {
    expect(operation.operationId).toMatch(/^[a-z][A-Za-z]+$/);
    expect(operation.summary).toBeTypeOf('string');
    const refused = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400);
    expect(refused.map(([status]) => status)).toEqual(expect.arrayContaining(['400', '401', '403', '429', '500', '503']));
    for (const [, { description, content }] of refused) {
      expect(description).not.toBe('Refused.');
      expect(content).toEqual({ 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } });
    }
  });

  test('names each parameter of its path, and describes those of its query', () => {
    const parameters = operation.parameters ?? [];
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(parameters.filter((each) => each.in === 'path').map(({ name }) => name)).toEqual(named);
    for (const { schema } of parameters) expect('type' in schema || '$ref' in schema).toBe(true);
  });
});

test('names of operations are used once', () => {
  const names = operations.map(({ operation }) => operation.operationId);
  expect(new Set(names).size).toBe(names.length);
});

test('a bearer token is how callers are known, where tokens are asked for', () => {
  expect(document.components.securitySchemes).toMatchObject({ bearer: { type: 'http', scheme: 'bearer' } });
  const open = operations.filter(({ operation }) => operation.security?.length === 0).map(({ path }) => path);
  expect(open).toEqual(['/healthz', '/readyz', '/openapi.json']);
});
