/** By what sessions can be broken down: what they are themselves, and any property of their first event (rule S8). */
import { keyColumn } from '../../events/breakdown.ts';
import { propertySql } from '../../properties/property.ts';
import { sessionProperty } from '../../sessions/session-properties.ts';
import type { SessionQuery } from '../../sessions/sessions.ts';

export interface SessionKeys {
  /** `expression AS k0`, of each event. */
  columns: string[];
  keys: SessionQuery['keys'];
  /** k0, k1, … as `sessionsSql` has them, or `expression AS k0` over its columns. */
  selected: string[];
}

/** The key columns of a breakdown, and of which event of a session each is taken. Throws a QuestionError. */
export function sessionKeys(breakdown: readonly string[]): SessionKeys {
  const found: SessionKeys = { columns: [], keys: [], selected: [] };
  for (const [i, name] of breakdown.entries()) {
    const field = `breakdown[${i}]`;
    const property = sessionProperty(name, field);
    if (property !== undefined && !('column' in property)) {
      found.selected.push(keyColumn('text' in property ? property.text : `toString(${property.number})`, i));
      continue;
    }
    const text = property === undefined ? propertySql(name, 'events', field).text : `nullIf(${property.column}, '')`;
    found.columns.push(keyColumn(text, i));
    found.keys = [...found.keys, { name: `k${i}`, pick: property?.pick ?? 'first' }];
    found.selected.push(`k${i}`);
  }
  return found;
}
