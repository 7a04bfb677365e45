import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestEngine } from './testing/engine.ts';

type Json = Record<string, unknown>;
interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security?: Json[];
  parameters: { name: string; in: string; required: boolean; schema: Json }[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { description?: string; content?: Record<string, { schema: Json }>; $ref?: string }>;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { securitySchemes: Json };
}

let engine: TestEngine;
let document: Document;
let operations: [path: string, method: string, operation: Operation][];
beforeAll(async () => {
  engine = await TestEngine.start({}, { processing: false });
  document = (await engine.app.inject({ url: '/openapi.json' })).json();
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [path, method, operation] as [string, string, Operation]),
  );
});
afterAll(() => engine.stop());

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 of this version', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Tidemark', version: '0.0.0-test' } });
  });

  it('names every route that the contract names', () => {
    const described = operations.map(([path, method]) => `${method.toUpperCase()} ${path}`);
    expect(described).toEqual(
      expect.arrayContaining([
        'GET /',
        'GET /livez',
        'GET /readyz',
        'GET /metrics',
        'GET /openapi.json',
        'POST /api/events',
        'POST /api/events/batch',
        'POST /api/events/check',
        'POST /api/events/export',
        'GET /api/events/live',
        'GET /api/events/{eventId}',
        'POST /api/analytics/trend',
        'POST /api/analytics/funnel',
        'GET /api/analytics/trend',
        'GET /api/analytics/sql',
        'PUT /api/questions/trend/{name}',
        'GET /api/questions/trend/{name}',
        'DELETE /api/questions/trend/{name}',
        'GET /api/users/{id}/timeline',
        'GET /api/quarantine',
        'GET /api/pipeline',
        'GET /api/projects',
        'PUT /api/projects/{id}/settings',
      ]),
    );
  });

  it('describes routes that are there, and asks for a token where the server does', async () => {
    for (const [path, method, { security }] of operations) {
      if (path === '/api/events' || path === '/api/events/batch') continue;
      const url = path.replaceAll(/\{\w+\}/g, 'x');
      const answer = await engine.app.inject({ method: method.toUpperCase() as 'GET', url });
      const open = security?.length === 0;
      if (open) expect(answer.statusCode, `${method} ${path}`).not.toBe(401);
      else expect([401, path === '/api/events/check' ? 400 : 401], `${method} ${path}`).toContain(answer.statusCode);
    }
  });

  it('gives each operation an id of its own, a summary, a known tag and the shape of its errors', () => {
    const ids = operations.map(([, , { operationId }]) => operationId);
    expect(ids.every((id) => /^[a-z][A-Za-z_]+$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    for (const [path, method, operation] of operations) {
      expect(operation.summary, `${method} ${path}`).toMatch(/^\S.{4,}[^.]$|^\S.+\.$/);
      expect(tags).toEqual(expect.arrayContaining(operation.tags));
      const [success] = Object.keys(operation.responses).filter((status) => status.startsWith('2'));
      expect(success, `${method} ${path}`).toBeDefined();
      for (const scheme of operation.security ?? [])
        expect(Object.keys(document.components.securitySchemes)).toEqual(expect.arrayContaining(Object.keys(scheme)));
    }
  });

  it('names each parameter of a path', () => {
    for (const [path, method, { parameters }] of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const described = parameters.filter((parameter) => parameter.in === 'path');
      expect(
        described.map(({ name }) => name),
        `${method} ${path}`,
      ).toEqual(inPath);
      expect(described.every(({ required }) => required)).toBe(true);
    }
  });

  it('holds legal JSON Schema 2020-12 only, and references that lead somewhere', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    for (const [path, method, { parameters, requestBody, responses }] of operations) {
      const contents = [requestBody, ...Object.values(responses)].flatMap((of) => Object.values(of?.content ?? {}));
      for (const schema of [
        ...parameters.map((parameter) => parameter.schema),
        ...contents.map((content) => content.schema),
      ]) {
        expect(ajv.validateSchema(schema), `${method} ${path}: ${ajv.errorsText()}`).toBe(true);
      }
    }
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      ([, pointer]) => pointer as string,
    );
    expect(references.length).toBeGreaterThan(operations.length / 2);
    for (const pointer of references) {
      const target = pointer.split('/').reduce<unknown>((at, key) => (at as Json | undefined)?.[key], document);
      expect(target, pointer).toBeDefined();
    }
  });
});
