/** Conditions on the table `quarantine`, whose items stand by (epoch, topic, partition, offset). */
import { literal, timeLiteral } from './literal.ts';

/** The items first: without them what is said of them means nothing, but without it they would come back. */
export const QUARANTINE_TABLES = ['quarantine', 'quarantine_replayed', 'quarantine_tries'] as const;

/** Which quarantined events; what is absent does not matter. */
export interface ItemFilter {
  project: string;
  /** Of the first reason. */
  code?: string | undefined;
  source?: string | undefined;
  eventId?: string | undefined;
  eventName?: string | undefined;
  appVersion?: string | undefined;
  /** receivedAt, epoch ms; `toMs` exclusive. */
  fromMs?: number | undefined;
  toMs?: number | undefined;
}

/** SQL: the items that `filter` is true of. */
export function itemCondition({ project, code, source, eventId, eventName, appVersion, fromMs, toMs }: ItemFilter): string {
  const conditions = [`project = ${literal(project)}`];
  const texts = { code, source, event_id: eventId, event_name: eventName, app_version: appVersion };
  for (const [column, text] of Object.entries(texts)) if (text !== undefined) conditions.push(`${column} = ${literal(text)}`);
  if (fromMs !== undefined) conditions.push(`received_at >= ${timeLiteral(fromMs)}`);
  if (toMs !== undefined) conditions.push(`received_at < ${timeLiteral(toMs)}`);
  return conditions.join(' AND ');
}

/** SQL: the item of the project was replayed, and is in quarantine no more. */
export function hasLeft(project: string): string {
  return `(epoch, topic, partition, offset) IN (SELECT epoch, topic, partition, offset FROM quarantine_replayed WHERE project = ${literal(project)})`;
}
