/** How requests are checked against their schemas: JSON Schema 2020-12, all faults at once, nothing dropped silently. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ErrorObject } from 'ajv/dist/2020.js';
import type { FastifyInstance } from 'fastify';
import { Problem, shownFault } from './problem.ts';
import type { Fault } from './problem.ts';

export function setSchemaCompilers(app: FastifyInstance): void {
  const common = {
    allErrors: true,
    verbose: true,
    strict: false,
    validateFormats: false,
    useDefaults: true,
    removeAdditional: false,
  } as const;
  // A query string knows only text; a body knows its types, and "5" in it is not 5.
  const bodies = new Ajv2020(common);
  const texts = new Ajv2020({ ...common, coerceTypes: 'array' });
  app.setValidatorCompiler(({ schema, httpPart }) => {
    const validate = (httpPart === 'body' ? bodies : texts).compile(schema as object);
    return (value: unknown) => {
      if (validate(value)) return { value };
      return { error: refusal(validate.errors ?? [], httpPart ?? 'body') };
    };
  });
  // Response schemas describe (they make /openapi.json, and tests hold every answer to them); they must not cut.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
}

type FaultCode = 'missing_field' | 'unknown_field' | 'invalid_type' | 'invalid_value';

function refusal(errors: readonly ErrorObject[], part: string): Problem {
  const [first, ...rest] = errors.map((error) => toFault(error, part));
  if (first === undefined) return new Problem('invalid_request', 'The request is not valid.');
  const more = rest.length === 0 ? '' : ` (and ${rest.length} more)`;
  return new Problem(first.code, `${first.detail}${more}`, { faults: [first, ...rest] });
}

function toFault(error: ErrorObject, part: string): Fault & { code: FaultCode } {
  const params = error.params as Record<string, unknown>;
  const path = error.instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  if (error.keyword === 'required') {
    const field = at(String(params['missingProperty']));
    return { field, code: 'missing_field', rule: 'required', detail: `${place(part)} needs \`${field}\`.` };
  }
  if (error.keyword === 'additionalProperties' || error.keyword === 'unevaluatedProperties') {
    const field = at(String(params['additionalProperty'] ?? params['unevaluatedProperty']));
    return { field, code: 'unknown_field', rule: 'no other fields', detail: `${place(part)} takes no \`${field}\`.` };
  }
  const field = path === '' ? part : path;
  const code = error.keyword === 'type' ? 'invalid_type' : 'invalid_value';
  const rule = ruleOf(error);
  return { ...shownFault({ field, code, value: error.data as unknown, rule, detail: `\`${field}\` ${rule}.` }), code };
}

function ruleOf(error: ErrorObject): string {
  const params = error.params as Record<string, unknown>;
  if (error.keyword === 'enum') return `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`;
  if (error.keyword === 'const') return `must be ${JSON.stringify(params['allowedValue'])}`;
  return error.message ?? `must hold to ${error.keyword}`;
}

function place(part: string): string {
  return part === 'body' ? 'The body' : part === 'params' ? 'The path' : 'The query string';
}
