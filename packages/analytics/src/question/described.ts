/**
 * Conditions as a description has them: which value an `op` takes is part of their shape. The schema that questions are checked by leaves
 * that to the SQL of a condition (rules W2 to W8), which tells better what is wrong than a union of shapes can.
 */
import { COHORT } from '../cohorts/membership.ts';
import { MAX_PATTERN_LENGTH } from '../events/where.ts';
import { Condition } from './schema.ts';

type Json = Record<string, unknown>;

const { property, op, value } = Condition.properties;
const [scalar, list] = value.anyOf;
const TEXT = { type: 'string', maxLength: 10_000 };
const LISTED = ['in', 'not_in'];
const OF_EVENTS = { ...property, not: { const: COHORT } };
const SHAPES = {
  anyOf: [
    shape(OF_EVENTS, ['=', '!=', '>', '>=', '<', '<='], scalar),
    shape(OF_EVENTS, LISTED, list),
    shape(OF_EVENTS, ['contains', 'not_contains'], TEXT),
    shape(OF_EVENTS, ['matches'], { ...TEXT, maxLength: MAX_PATTERN_LENGTH }),
    shape(OF_EVENTS, ['is_set', 'is_not_set']),
    // Rule C7.
    shape({ const: COHORT }, LISTED, { ...list, items: { ...TEXT, minLength: 1, description: 'the name of a saved cohort' } }),
  ],
};

function shape(of: object, ops: readonly string[], taken?: object): object {
  return {
    type: 'object',
    properties: { property: of, op: { enum: op.enum.filter((name) => ops.includes(name)) }, ...(taken !== undefined && { value: taken }) },
    required: ['property', 'op', ...(taken !== undefined ? ['value'] : [])],
    additionalProperties: false,
  };
}

/** A schema, or a document with schemas in it, in which each condition has its shapes. */
export function described<Schema>(schema: Schema): Schema {
  if (Array.isArray(schema)) return schema.map(described) as Schema;
  if (typeof schema !== 'object' || schema === null) return schema;
  if (isCondition(schema)) return SHAPES as Schema;
  return Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, described<unknown>(part)])) as Schema;
}

/** By its fields: a schema that is made part of another may be a copy. */
function isCondition(schema: object): boolean {
  const { properties } = schema as { properties?: Json };
  return typeof properties === 'object' && Object.keys(properties).join() === 'property,op,value' && (properties['op'] as { enum?: unknown } | undefined)?.enum !== undefined;
}
