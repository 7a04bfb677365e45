import { literal, type RollupDefinition } from '@tidemark/warehouse';
import { propertySql } from '../properties/property.ts';
import { TEXT_COLUMNS, VALUE_COLUMN } from './columns.ts';

/**
 * The rollups of a project that has named these properties, and how the job that makes them reads their dimensions: by the
 * same SQL as a question, so that both agree on every value.
 */
export function rollupDefinitions(properties: readonly string[]): RollupDefinition[] {
  const named = properties.map((property) => ({ property, dimensions: [{ column: VALUE_COLUMN, sql: textOf(property) }] }));
  return [{ property: '', dimensions: Object.entries(TEXT_COLUMNS).map(([name, column]) => ({ column, sql: fixed(name) })) }, ...named];
}

/** A text without the key, and without an escape that could write it, is not parsed: most events have no campaign. */
function fixed(name: string): string {
  const [, key = ''] = name.split('.');
  return `if(position(context, ${literal(key)}) > 0 OR position(context, ${literal('\\')}) > 0, ${textOf(name)}, NULL)`;
}

function textOf(name: string): string {
  return propertySql(name, 'events', name).text;
}
