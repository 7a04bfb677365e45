/** FROM of a trend's aggregates over rollups where these cover the range, and over events for the rest: one statement. */
import { actorHashSql, keyHashSql, literal, withinRuns } from '@tidemark/warehouse';
import { eventsSql, selectedSql, type EventSelection } from '../events.ts';
import { personsOfActors } from '../person.ts';
import type { ProjectIdentity } from '../project-identity.ts';
import { restOf, type Coverage } from './coverage.ts';

export interface CountedRows {
  /** Without the columns. */
  selection: EventSelection;
  /** `expression AS name` over a row of events or of rollups. */
  columns: (table: 'events' | 'rollups') => readonly string[];
  /** Names of those columns that are grouped by. */
  keys: readonly string[];
  coverage: Coverage;
}

/** The aggregate of `eventRows`. */
export const EVENTS_SQL = 'sum(n)';
/** The aggregate of `personRows`: who is not mapped is a person alone. */
export const USERS_SQL = 'uniqExact(if(identity.of_person != 0, identity.of_person, actor))';

/** Rows with the columns and `n`, a number of events. */
export function eventRows(counted: CountedRows): string {
  return `(${both(counted, 'toUInt64(1) AS n', 'events AS n')})`;
}

/** Rows with the keys and an actor, once each, joined with the hashes of persons that actors don't tell by themselves. */
export function personRows(counted: CountedRows, identity: ProjectIdentity): string {
  const columns = [...counted.keys, 'actor'].join(', ');
  const rows = both(counted, `${actorHashSql('user_id', 'anonymous_id')} AS actor`, 'arrayJoin(actors) AS actor');
  const actor = `if(of_user != '', concat('u', of_user), concat('a', of_device))`;
  return `(SELECT ${columns} FROM (${rows}) GROUP BY ${columns}) AS actors
LEFT ANY JOIN (SELECT ${keyHashSql(actor)} AS of_actor, ${keyHashSql('of_person')} AS of_person FROM (${personsOfActors(identity)})) AS identity ON actor = identity.of_actor`;
}

function both({ selection, columns, coverage }: CountedRows, ofEvent: string, ofRollup: string): string {
  const rest = withinRuns(restOf(selection, coverage.runs));
  const events = `${eventsSql({ ...selection, columns: [...columns('events'), ofEvent] })} AND (${rest})`;
  return `${events}\nUNION ALL\n${rollupsSql(selection, coverage, [...columns('rollups'), ofRollup])}`;
}

function rollupsSql(selection: EventSelection, { property, runs, version }: Coverage, columns: readonly string[]): string {
  const { project, includeBots } = selection;
  const within = `project = ${literal(project)} AND property = ${literal(property)} AND width = 900 AND (${withinRuns(runs)})`;
  const newest = `SELECT time, max(version) FROM rollup_buckets WHERE ${within} AND version <= ${version} GROUP BY time`;
  const conditions = [within, ...(includeBots ? [] : ['bot = 0']), selectedSql({ ...selection, table: 'rollups' }), `(time, version) IN (${newest})`];
  return `SELECT ${columns.join(', ')} FROM rollup_rows WHERE ${conditions.join(' AND ')}`;
}
