/** `session.…`: what a session is by itself (rules P6, S8). */
import { QuestionError } from '../question/problem.ts';
import type { SessionQuery } from './sessions.ts';

export type SessionProperty =
  /** A column of `events`, and of which event of the session. */
  | { column: string; pick: SessionQuery['keys'][number]['pick'] }
  /** SQL over the columns of `sessionsSql` and `pages`, how many of its events PAGE_SQL holds for. */
  | { number: string }
  | { text: string };

const PROPERTIES: Readonly<Record<string, SessionProperty>> = {
  entryPage: { column: 'page_path', pick: 'first set' },
  exitPage: { column: 'page_path', pick: 'last set' },
  entryEvent: { column: 'event_name', pick: 'first' },
  exitEvent: { column: 'event_name', pick: 'last' },
  source: { column: 'campaign_source', pick: 'first' },
  medium: { column: 'campaign_medium', pick: 'first' },
  campaign: { column: 'campaign_name', pick: 'first' },
  channel: { column: 'channel', pick: 'first' },
  country: { column: 'country', pick: 'first' },
  deviceType: { column: 'device_type', pick: 'first' },
  duration: { number: '(last - start) / 1000' },
  events: { number: 'toFloat64(length(tags))' },
  pages: { number: 'toFloat64(pages)' },
  bounce: { text: `if(length(tags) = 1, 'true', 'false')` },
};

/** SQL that is 1 for an event that shows a page. */
export const PAGE_SQL = `type IN ('page', 'screen')`;

const PREFIX = 'session.';

/** The property of sessions that a name means, undefined for one of something else. Throws a QuestionError for one that there is not. */
export function sessionProperty(name: string, field: string): SessionProperty | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  const own = name.slice(PREFIX.length);
  const property = Object.hasOwn(PROPERTIES, own) ? PROPERTIES[own] : undefined;
  if (property !== undefined) return property;
  const names = Object.keys(PROPERTIES).map((known) => PREFIX + known).join(', ');
  throw new QuestionError({ code: 'unknown_property', field, value: name, rule: `${names}, or a property of events`, detail: `${name} is no property of a session; there are ${names}.` });
}
