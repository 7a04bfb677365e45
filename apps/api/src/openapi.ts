/** The OpenAPI document, made from the schemas that the routes are checked by: what is served is what is described. */
import { described, KeptCohort, KINDS, StaticCohort } from '@tidemark/analytics';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { ingestPaths } from './ingest-paths.ts';
import { PROBLEMS } from './problem.ts';
import { ProblemSchema } from './schemas.ts';

type Json = Record<string, unknown>;

export interface OpenApiRecorder {
  document(): Json;
}

/** Notes every route added to `app` from now on. */
export function recordOpenApi(app: FastifyInstance, version: string): OpenApiRecorder {
  const paths: Record<string, Json> = { ...ingestPaths() };
  app.addHook('onRoute', (route) => {
    if (route.config?.undocumented === true) return;
    for (const method of [route.method].flat()) {
      // Fastify answers HEAD wherever it answers GET; that is HTTP and needs no telling.
      if (method === 'HEAD' || method === 'OPTIONS') continue;
      const path = route.url.replaceAll(/:(\w+)/g, '{$1}');
      paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(route) };
    }
  });
  return { document: () => described(documentOf(paths, version)) };
}

function documentOf(paths: Record<string, Json>, version: string): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tidemark',
      version,
      description: 'Self-hosted clickstream analytics. Events go in with a write key, questions with an API token.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'ingest', description: 'Sending events.' },
      { name: 'questions', description: 'Asking about them.' },
      { name: 'identity', description: 'Who is one person.' },
      { name: 'events', description: 'The events themselves.' },
      { name: 'operations', description: 'Is it well?' },
      { name: 'administration', description: 'Projects, sources, keys, tokens, settings.' },
    ],
    paths,
    components: {
      schemas: {
        Problem: { ...ProblemSchema, properties: { ...ProblemSchema.properties, code: problemCode() } },
        ...Object.fromEntries(KINDS.map((kind) => [nameOfQuestion(kind), kind.question])),
        StaticCohort,
        KeptCohort,
      },
      responses: {
        Problem: {
          description: 'What is wrong, and what to do.',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      securitySchemes: {
        apiToken: { type: 'http', scheme: 'bearer', description: 'An API token.' },
        apiTokenInQuery: {
          type: 'apiKey',
          in: 'query',
          name: 'token',
          description: 'An API token, where no header can be sent.',
        },
        writeKey: { type: 'http', scheme: 'bearer', description: 'A write key.' },
        writeKeyBasic: { type: 'http', scheme: 'basic', description: 'A write key as the user name, no password.' },
        writeKeyInQuery: { type: 'apiKey', in: 'query', name: 'writeKey', description: 'A write key, for beacons.' },
      },
    },
    security: [{ apiToken: [] }],
  };
}

/** A question of a kind as the document names it. */
export function questionRef(kind: { name: string }): Json {
  return { $ref: `#/components/schemas/${nameOfQuestion(kind)}` };
}

/** What can be saved under a name of the kind, or is shown of what was. */
export function savedQuestionRef(kind: { name: string }, cohort: 'StaticCohort' | 'KeptCohort'): Json {
  return kind.name === 'cohort' ? { anyOf: [questionRef(kind), { $ref: `#/components/schemas/${cohort}` }] } : questionRef(kind);
}

/** `TrendQuestion` */
function nameOfQuestion({ name }: { name: string }): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}Question`;
}

function problemCode(): Json {
  return { type: 'string', description: 'Stable: programs may rely on it.', examples: Object.keys(PROBLEMS) };
}

function operationOf({ schema = {}, config = {} }: RouteOptions): Json {
  const { operationId, summary, description, tags } = schema;
  const body = (schema.body ?? config.describedBody) as Json | undefined;
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    tags,
    ...securityOf(config),
    parameters: [...parametersOf(schema.params, 'path'), ...parametersOf(schema.querystring, 'query')],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: responsesOf({ ...(schema.response as Record<string, Json> | undefined), ...(config.describedAnswers as Record<string, Json> | undefined) }),
  };
}

function securityOf({ access, credentials }: NonNullable<RouteOptions['config']>): Json {
  if (credentials !== undefined) {
    return {
      security: ['apiToken', 'writeKey', 'writeKeyBasic', 'writeKeyInQuery'].map((scheme) => ({ [scheme]: [] })),
    };
  }
  if (access === 'open') return { security: [] };
  if (access === 'query-token') return { security: [{ apiToken: [] }, { apiTokenInQuery: [] }] };
  return {};
}

function parametersOf(schema: unknown, place: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...of }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: of,
  }));
}

function responsesOf(responses: Record<string, Json>): Json {
  const described = Object.entries(responses).map(([status, response]) => {
    const description = (response['description'] as string | undefined) ?? 'The answer.';
    if (response['type'] === 'null') return [status, { description }];
    if ('content' in response) return [status, response];
    return [status, { description, content: { 'application/json': { schema: response } } }];
  });
  return { ...Object.fromEntries(described), default: { $ref: '#/components/responses/Problem' } };
}
