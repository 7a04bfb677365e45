/**
 * Conditions as a description has them: which value an `op` takes is part of their shape. The schema that questions are checked by leaves
 * that to the SQL of a condition (rules W2 to W8), which tells better what is wrong than a union of shapes can.
 */
import { Condition } from './schema.ts';

type Json = Record<string, unknown>;

const { property, op, value } = Condition.properties;
const [scalar, list] = value.anyOf;
const TEXT = { type: 'string', maxLength: 10_000 };
const VALUES: readonly { ops: readonly string[]; value?: object }[] = [
  { ops: ['=', '!=', '>', '>=', '<', '<='], value: scalar },
  { ops: ['in', 'not_in'], value: list },
  { ops: ['contains', 'not_contains'], value: TEXT },
  { ops: ['matches'], value: { ...TEXT, maxLength: 500 } },
  { ops: ['is_set', 'is_not_set'] },
];
const SHAPES = {
  anyOf: VALUES.map(({ ops, value: taken }) => ({
    type: 'object',
    properties: { property, op: { enum: op.enum.filter((name) => ops.includes(name)) }, ...(taken !== undefined && { value: taken }) },
    required: ['property', 'op', ...(taken !== undefined ? ['value'] : [])],
    additionalProperties: false,
  })),
};

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
