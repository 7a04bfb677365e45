/**
 * A client in TypeScript from our OpenAPI document: a type for each operation, and one function that calls them. Our own, as the
 * known generators are written against the compiler's JavaScript API, which TypeScript 7 has no more (openapi-typescript 7.13, 2026-11).
 */
type Json = Record<string, unknown>;
interface Operation {
  operationId: string;
  parameters: { name: string; in: string; required: boolean; schema: Json }[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
}

export function clientOf(document: { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, Json> } }): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })));
  const types = operations.map((operation) => `  ${operation.operationId}: { request: ${requestOf(operation)}; answer: ${answerOf(operation)} };`);
  const routes = operations.map(({ operationId, method, path, parameters }) => {
    const query = parameters.filter((each) => each.in === 'query').map(({ name }) => name);
    return `  ${operationId}: ${JSON.stringify({ method, path, query })},`;
  });
  return `${Object.entries(document.components.schemas).map(([name, schema]) => `export type ${name} = ${typeOf(schema)};`).join('\n')}
export interface Operations {
${types.join('\n')}
}
const ROUTES: Record<keyof Operations, { method: string; path: string; query: string[] }> = {
${routes.join('\n')}
};
export class ApiError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}
type Parts = { path?: Record<string, unknown>; query?: Record<string, unknown>; body?: unknown };
export function createClient(url: string, token: string) {
  return async <Id extends keyof Operations>(id: Id, request: Operations[Id]['request']): Promise<Operations[Id]['answer']> => {
    const { method, path, query: names } = ROUTES[id];
    const { path: inPath = {}, query = {}, body } = request as Parts;
    const filled = path.replaceAll(/\\{(\\w+)\\}/g, (_, name: string) => encodeURIComponent(String(inPath[name])));
    const search = new URLSearchParams(names.flatMap((name) => (query[name] === undefined ? [] : [[name, String(query[name])]])));
    const headers: Record<string, string> = { authorization: \`Bearer \${token}\`, ...(body !== undefined && { 'content-type': 'application/json' }) };
    const response = await fetch(\`\${url}\${filled}?\${search}\`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new ApiError(JSON.parse(text) as Problem);
    return (response.headers.get('content-type')?.startsWith('application/json') === true ? JSON.parse(text) : text) as Operations[Id]['answer'];
  };
}
`;
}

function requestOf({ parameters, requestBody }: Operation): string {
  const inPlace = (place: string): string[] => {
    const those = parameters.filter((each) => each.in === place);
    const isNeeded = those.some(({ required }) => required);
    return those.length === 0 ? [] : [`${place}${isNeeded ? '' : '?'}: { ${those.map(({ name, required, schema }) => `${JSON.stringify(name)}${required ? '' : '?'}: ${typeOf(schema)}`).join('; ')} }`];
  };
  const body = requestBody?.content['application/json']?.schema;
  return `{ ${[...inPlace('path'), ...inPlace('query'), ...(body === undefined ? [] : [`body: ${typeOf(body)}`])].join('; ')} }`;
}

function answerOf({ responses }: Operation): string {
  const answers = Object.entries(responses).filter(([status]) => status.startsWith('2')).flatMap(([, { content }]) => Object.entries(content ?? { '': { schema: { type: 'null' } } }));
  const json = answers.filter(([mediaType]) => mediaType === 'application/json');
  return json.length > 0 ? json.map(([, { schema }]) => typeOf(schema)).join(' | ') : 'string';
}

/** The type of what a JSON Schema lets through, as far as TypeScript can say it. */
function typeOf(schema: unknown): string {
  if (typeof schema !== 'object' || schema === null) return 'unknown';
  const { $ref, const: only, enum: some, anyOf, oneOf, type, items, properties, patternProperties, required = [], additionalProperties } = schema as Json & { required?: string[] };
  if (typeof $ref === 'string') return $ref.split('/').at(-1)!;
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(some)) return some.map((each) => JSON.stringify(each)).join(' | ');
  const branches = anyOf ?? oneOf;
  if (Array.isArray(branches)) return branches.map((each) => `(${typeOf(each)})`).join(' | ');
  if (Array.isArray(type)) return type.map((each: unknown) => typeOf({ ...schema, type: each })).join(' | ');
  if (type === 'array') return items === undefined ? 'unknown[]' : `(${typeOf(items)})[]`;
  if (type === 'object') {
    const fields = Object.entries((properties ?? {}) as Json).map(([name, each]) => `${JSON.stringify(name)}${required.includes(name) ? '' : '?'}: ${typeOf(each)}`);
    const others = patternProperties === undefined ? additionalProperties : Object.values(patternProperties as Json)[0];
    const isOpen = others === true || (typeof others === 'object' && others !== null);
    if (fields.length > 0) return `{ ${fields.join('; ')} }${isOpen ? ' & Record<string, unknown>' : ''}`;
    return `Record<string, ${isOpen && others !== true ? typeOf(others) : 'unknown'}>`;
  }
  return { string: 'string', number: 'number', integer: 'number', boolean: 'boolean', null: 'null' }[String(type)] ?? 'unknown';
}
