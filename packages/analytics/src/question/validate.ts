import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Static, TSchema } from 'typebox';
import { fieldOf, withField } from './field-path.ts';
import { isOfLimit, limitBroken } from './limit-broken.ts';
import type { Problem } from './problem.ts';
import { QuestionError } from './problem.ts';

// Not allErrors: a hostile question must not buy an unbounded list of complaints; unions report their branches anyway.
const ajv = new Ajv2020({ allErrors: false, verbose: true, strict: true, strictTypes: false });
const compiled = new WeakMap<TSchema, ValidateFunction>();

/** The question itself when it has the shape of `schema`; else throws a QuestionError that names the field. */
export function validate<Schema extends TSchema>(schema: Schema, question: unknown): Static<Schema> {
  let check = compiled.get(schema);
  if (check === undefined) compiled.set(schema, (check = ajv.compile(schema)));
  if (check(question)) return question as Static<Schema>;
  throw new QuestionError(toProblem(check.errors ?? []));
}

/** One problem from what ajv found: of a union's branches, the one that came furthest into the value. */
function toProblem(errors: readonly ErrorObject[]): Problem {
  const inner = errors.find((error) => error.keyword === 'anyOf');
  // Of a union within a union the outer one says what else there may be.
  const union = errors.findLast((error) => error.keyword === 'anyOf' && error.instancePath === inner?.instancePath);
  const candidates = errors.filter((error) => error.keyword !== 'anyOf' && isOfItsKind(error, union));
  const deepest = candidates.toSorted((a, b) => depth(b) - depth(a))[0];
  // A union that no branch got into (as a number where a name or a list is asked for) is described as a whole. A list that is too long got into the branch of lists.
  const complaint = deepest === undefined || (union !== undefined && depth(deepest) <= depth(union) && !isOfLimit(deepest)) ? (union ?? deepest) : deepest;
  // Within a list, a value that is of no type that it may have: its own union says all of them.
  const chosen = complaint?.keyword === 'type' ? (errors.find(({ keyword, instancePath }) => keyword === 'anyOf' && instancePath === complaint.instancePath) ?? complaint) : complaint;
  if (chosen === undefined) return { code: 'invalid_value', field: '', rule: '', detail: 'This is not a question.' };
  const field = fieldOf(chosen.instancePath);
  const rule = String((chosen.parentSchema as { description?: string } | undefined)?.description ?? chosen.message ?? '');
  const name = field === '' ? 'The question' : field;
  switch (chosen.keyword) {
    case 'required': {
      const missing = withField(field, String(chosen.params['missingProperty']));
      return { code: 'missing_field', field: missing, rule: 'required', detail: `${missing} is missing.` };
    }
    case 'additionalProperties': {
      const unknown = String(chosen.params['additionalProperty']);
      const at = withField(field, unknown);
      const known = Object.keys((chosen.parentSchema as { properties?: object } | undefined)?.properties ?? {});
      const detail = `${at} is not a field; the fields are ${known.join(', ')}.`;
      return { code: 'unknown_field', field: at, value: (chosen.data as Record<string, unknown>)[unknown], rule: known.join(', '), detail };
    }
    case 'type':
      return { code: 'invalid_type', field, value: chosen.data, rule, detail: `${name} ${chosen.message ?? 'has the wrong type'}.` };
    default: {
      const limit = limitBroken(chosen, name);
      if (limit !== undefined) return { code: 'invalid_value', field, value: chosen.data, ...limit };
      return { code: 'invalid_value', field, value: chosen.data, rule, detail: `${name} must be ${rule.replace(/^must /, '')}.`.replace('must be NOT', 'must NOT') };
    }
  }
}

/** Whether an object that fits no branch of a union is at least like the branch that complains: it has one of its fields. */
function isOfItsKind({ instancePath, parentSchema, data }: ErrorObject, union: ErrorObject | undefined): boolean {
  const fields = Object.keys((parentSchema as { properties?: object } | undefined)?.properties ?? {});
  if (union === undefined || instancePath !== union.instancePath || fields.length === 0) return true;
  return typeof data === 'object' && data !== null && fields.some((name) => Object.hasOwn(data, name));
}

function depth(error: ErrorObject): number {
  const own = error.instancePath.split('/').length;
  // A value of the wrong type was not entered at all; a field too many or too few was.
  return own + (error.keyword === 'additionalProperties' || error.keyword === 'required' ? 0.5 : 0) - (error.keyword === 'type' && error.schemaPath.includes('/anyOf/') ? 0.5 : 0);
}
