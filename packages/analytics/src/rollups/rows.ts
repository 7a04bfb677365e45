/** FROM of a trend's aggregates over rollups where these cover the range, and over events for the rest: one statement. */
import { actorHashSql, keyHashSql, literal, SKETCH, SKETCH_PRECISION, withinRuns } from '@tidemark/warehouse';
import type { Aggregate } from '../measures/aggregate.ts';
import { eventsSql, selectedSql, type EventSelection } from '../events/events.ts';
import { personsOfActors } from '../identity/person.ts';
import type { ProjectIdentity } from '../identity/project-identity.ts';
import type { Coverage } from './coverage.ts';
import { restOf } from './spans.ts';

export interface CountedRows {
  /** Without the columns. */
  selection: EventSelection;
  /** `expression AS name` over a row of events or of rollups. */
  columns: (table: 'events' | 'rollups') => readonly string[];
  /** Rows with these columns, and more that are made of them. */
  grouped: (rows: string) => string;
  /** Names of those of all these columns that are grouped by. */
  keys: readonly string[];
  coverage: Coverage;
}

const PERSON_HASH_SQL = 'if(identity.of_person != 0, identity.of_person, actor)';

/** The aggregate of `eventRows`. */
export const EVENTS: Aggregate = { fn: 'sum', of: 'n' };
/** The aggregate of `personRows`: who is not mapped is a person alone. */
export const USERS: Aggregate = { fn: 'uniqExact', of: PERSON_HASH_SQL };
/** The aggregate of `estimatedPersonRows`. */
export const ESTIMATED_USERS: Aggregate = { fn: `${SKETCH}Merge(${SKETCH_PRECISION})`, of: 'users' };

/** Rows with the columns and `n`, a number of events. */
export function eventRows(counted: CountedRows): string {
  return `(${both(counted, 'toUInt64(1) AS n', 'events AS n')})`;
}

/** Rows with the keys and an actor, once each, joined with the hashes of persons that actors don't tell by themselves. */
export function personRows(counted: CountedRows, identity: ProjectIdentity): string {
  const columns = [...counted.keys, 'actor'].join(', ');
  const rows = both(counted, `${actorHashSql('user_id', 'anonymous_id')} AS actor`, 'arrayJoin(actors) AS actor');
  return `(SELECT ${columns} FROM (${rows}) GROUP BY ${columns}) AS actors
LEFT ANY JOIN (${personsOfHashes(identity)}) AS identity ON actor = identity.of_actor`;
}

/** Rows with the keys and a sketch of persons: those whom `personRows` tells, and those of whom only sketches are left. */
export function estimatedPersonRows(counted: CountedRows, identity: ProjectIdentity): string {
  const { selection, coverage, columns, grouped, keys } = counted;
  const told = keys.map((key) => `${key}, `).join('');
  const exact = `SELECT ${told}${SKETCH}State(${SKETCH_PRECISION})(${PERSON_HASH_SQL}) AS users FROM ${personRows(counted, identity)}${keys.length === 0 ? '' : ` GROUP BY ${keys.join(', ')}`}`;
  return `(${exact}\nUNION ALL\nSELECT ${told}sketch AS users FROM (${grouped(rollupsSql(selection, coverage, [...columns('rollups'), 'sketch']))}))`;
}

/** SELECT of `of_actor` and `of_person`: hashes of actors that don't tell their person by themselves, and of these persons. */
export function personsOfHashes(identity: ProjectIdentity): string {
  const actor = `if(of_user != '', concat('u', of_user), concat('a', of_device))`;
  return `SELECT ${keyHashSql(actor)} AS of_actor, ${keyHashSql('persons.of_person')} AS of_person FROM (${personsOfActors(identity)}) AS persons`;
}

function both({ selection, columns, grouped, coverage }: CountedRows, ofEvent: string, ofRollup: string): string {
  const rest = withinRuns(restOf(selection, coverage.runs));
  const events = `${eventsSql({ ...selection, columns: [...columns('events'), ofEvent] })} AND (${rest})`;
  return grouped(`${events}\nUNION ALL\n${rollupsSql(selection, coverage, [...columns('rollups'), ofRollup])}`);
}

function rollupsSql(selection: EventSelection, { property, spans, version }: Coverage, columns: readonly string[]): string {
  const { project, includeBots } = selection;
  const ofWidths = spans.map(({ widthMs, runs }) => `width = ${widthMs / 1_000} AND (${withinRuns(runs)})`).join(' OR ');
  const within = `project = ${literal(project)} AND property = ${literal(property)} AND (${ofWidths})`;
  const newest = `SELECT width, time, max(version) FROM rollup_buckets WHERE ${within} AND version <= ${version} GROUP BY width, time`;
  const conditions = [within, ...(includeBots ? [] : ['bot = 0']), selectedSql({ ...selection, table: 'rollups' }), `(width, time, version) IN (${newest})`];
  return `SELECT ${columns.join(', ')} FROM rollup_rows WHERE ${conditions.join(' AND ')}`;
}
