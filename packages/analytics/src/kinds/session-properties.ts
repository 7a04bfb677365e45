/** By what sessions can be broken down: what they are themselves, and any property of their first event (rule S7). */
import { keyColumn } from '../breakdown.ts';
import { QuestionError } from '../problem.ts';
import { propertySql } from '../property.ts';
import type { SessionQuery } from '../sessions.ts';

type Pick = SessionQuery['keys'][number]['pick'];

/** Columns of `events`, by the property's name within `session.`; where not the first event's, which one's. */
const PROPERTIES: Readonly<Record<string, readonly [column: string, pick: Pick]>> = {
  entryPage: ['page_path', 'first set'],
  exitPage: ['page_path', 'last set'],
  source: ['campaign_source', 'first'],
  medium: ['campaign_medium', 'first'],
  campaign: ['campaign_name', 'first'],
  channel: ['channel', 'first'],
  country: ['country', 'first'],
  deviceType: ['device_type', 'first'],
};

const PREFIX = 'session.';

export interface SessionKeys {
  /** `expression AS k0`, of each event. */
  columns: string[];
  keys: SessionQuery['keys'];
}

/** The key columns of a breakdown, and of which event of a session each is taken. Throws a QuestionError. */
export function sessionKeys(breakdown: readonly string[]): SessionKeys {
  const read = breakdown.map((name, i): { text: string; pick: Pick } => {
    const field = `breakdown[${i}]`;
    if (!name.startsWith(PREFIX)) return { text: propertySql(name, 'events', field).text, pick: 'first' };
    const own = name.slice(PREFIX.length);
    const [column, pick] = (Object.hasOwn(PROPERTIES, own) ? PROPERTIES[own] : undefined) ?? [];
    if (column !== undefined && pick !== undefined) return { text: `nullIf(${column}, '')`, pick };
    const names = Object.keys(PROPERTIES).map((known) => PREFIX + known).join(', ');
    throw new QuestionError({ code: 'unknown_property', field, value: name, rule: `${names}, or a property of events`, detail: `${name} is no property of a session; there are ${names}.` });
  });
  return { columns: read.map(({ text }, i) => keyColumn(text, i)), keys: read.map(({ pick }, i) => ({ name: `k${i}`, pick })) };
}
