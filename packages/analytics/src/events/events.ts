import { literal, timeLiteral } from '@tidemark/warehouse';
import { joinsFor } from './joins.ts';
import type { Table } from '../properties/property.ts';
import type { Where } from '../question/schema.ts';
import { whereSql } from './where.ts';

export interface EventSelection {
  project: string;
  fromMs: number;
  /** Exclusive. */
  toMs: number;
  /** Names; undefined = any. */
  events: string | readonly string[] | undefined;
  includeBots: boolean;
  /** Conditions, each with the name of its field in the question. */
  where: readonly (readonly [Where | undefined, field: string])[];
  /** `expression AS name` */
  columns: readonly string[];
  table?: Table;
  /** Of the sessions that are read; absent = the usual one. */
  gapMs?: number;
}

/** SELECT of the events that a question is about. */
export function eventsSql(selection: EventSelection): string {
  const { project, fromMs, toMs, includeBots, columns, table = 'events' } = selection;
  const selected = selectedSql(selection);
  const conditions = [
    `project = ${literal(project)}`,
    `time >= ${timeLiteral(fromMs)}`,
    `time < ${timeLiteral(toMs)}`,
    ...(includeBots ? [] : ['bot = 0']),
    ...(selected === '1' ? [] : [selected]),
  ];
  const read = columns.length === 0 ? '1' : columns.join(', ');
  return `SELECT ${read} FROM ${table}${joinsFor(`${read} ${selected}`, selection)} WHERE ${conditions.join(' AND ')}`;
}

/** SQL that is 1 for the events of a selection among those of its project and range. */
export function selectedSql({ events, where, table = 'events' }: EventSelection): string {
  const conditions = [...(events === undefined ? [] : [namedSql(events)]), ...where.map(([conditions, field]) => whereSql(conditions, table, field))];
  return conditions.filter((sql) => sql !== '1').join(' AND ') || '1';
}

/** SQL that is 1 for the events of the given names. */
export function namedSql(events: string | readonly string[]): string {
  const names = [events].flat();
  return names.length === 1 ? `event_name = ${literal(names[0] ?? '')}` : `event_name IN (${names.map((name) => literal(name)).join(', ')})`;
}
