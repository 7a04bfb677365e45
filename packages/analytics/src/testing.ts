/** The schema with no room for fields that it doesn't name. */
export function exactly(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(exactly);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => [
    key,
    key === 'enum' || key === 'examples' ? value : exactly(value),
  ]);
  const open = !('properties' in schema) || 'additionalProperties' in schema;
  return { ...Object.fromEntries(entries), ...(open ? {} : { additionalProperties: false }) };
}
