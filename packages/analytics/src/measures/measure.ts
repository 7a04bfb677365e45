import Type from 'typebox';
import type { Aggregate } from './aggregate.ts';
import { averageOf, exactSum, hugeSum, sumOf } from './decimal.ts';
import type { Naming } from '../identity/naming.ts';
import type { ProjectIdentity } from '../identity/project-identity.ts';
import { propertySql } from '../properties/property.ts';
import { PropertyName } from '../question/schema.ts';
import { SESSION_COLUMNS } from '../sessions/sessions.ts';

const OF_PROPERTY = ['sum', 'avg', 'min', 'max', 'median', 'p90', 'p99', 'unique'] as const;

export const Measure = Type.Union(
  [
    Type.Enum(['events', 'users', 'sessions', 'eventsPerUser']),
    ...OF_PROPERTY.map((name) => Type.Object({ [name]: PropertyName }, { additionalProperties: false })),
  ],
  { description: `events, users, sessions, eventsPerUser, or one of ${OF_PROPERTY.join(', ')} of a property, as {"sum": "properties.price"}` },
);
export type Measure = 'events' | 'users' | 'sessions' | 'eventsPerUser' | Partial<Record<(typeof OF_PROPERTY)[number], string>>;

/** How a measure is computed from the rows of a set of events. */
export interface MeasurePlan extends RowsPlan {
  /** SQL over the aggregates' names by which groups are ranked. */
  rank: string;
  /** The number from the aggregates of one row. */
  value(row: Record<string, unknown>): number;
}

/** What is read of the events, and what is aggregated of it. */
export interface RowsPlan {
  /** Columns that it needs of each event besides who did it, as `expression AS name`. */
  columns: string[];
  /** Aggregates over these columns (for persons, over `person` and `done`; for sessions, over SESSION_COLUMNS). */
  aggregates: (Aggregate & { name: string })[];
  /** The columns over which they are taken, none of them Nullable. */
  values: readonly string[];
  /** What the rows are brought together to before they are aggregated. */
  of: 'events' | 'persons' | 'sessions';
  /** For persons: the events of each row are told, as `done`. */
  isCounted?: true;
}

const PERSONS: Aggregate = { fn: 'uniqExact', of: 'person' };

/**
 * The plan of a measure; `field` names its place in the question, `nameOf` the columns of the values that are read of events, by their SQL.
 * Such a column is a tuple, as arrays are made of it and would leave out what is NULL.
 */
export function planMeasure(measure: Measure, field: string, nameOf: (sql: string) => string): MeasurePlan {
  if (measure === 'events') return plain('count', '');
  if (measure === 'users') {
    return { columns: [], aggregates: [{ name: 'v', ...PERSONS }], values: ['person'], of: 'persons', rank: 'v', value: numberOf('v') };
  }
  if (measure === 'eventsPerUser') {
    const aggregates = [{ name: 'n', fn: 'sum', of: 'done' }, { name: 'users', ...PERSONS }];
    const value = (row: Record<string, unknown>): number => (Number(row['users']) === 0 ? 0 : Number(row['n']) / Number(row['users']));
    return { columns: [], aggregates, values: ['person', 'done'], of: 'persons', isCounted: true, rank: 'n / users', value };
  }
  if (measure === 'sessions') {
    return { columns: [], aggregates: [{ name: 'v', fn: 'uniqExact', of: SESSION_COLUMNS.join(', ') }], values: SESSION_COLUMNS, of: 'sessions', rank: 'v', value: numberOf('v') };
  }
  const [[name, property] = ['sum', '']] = Object.entries(measure);
  const read = propertySql(property, 'events', `${field}.${name}`);
  const sql = name === 'unique' ? read.text : read.number;
  const x = nameOf(sql);
  const [columns, values, number] = [[`tuple(${sql}) AS ${x}`], [x], `${x}.1`];
  if (name === 'unique') return { ...plain('uniqExact', number), columns, values };
  if (name === 'sum' || name === 'avg') {
    const aggregates = [
      { name: 'plain', ...exactSum(number) },
      { name: 'huge', ...hugeSum(number) },
      { name: 'n', fn: 'count', of: number },
    ];
    const value = (row: Record<string, unknown>): number => {
      const [text, huge, count] = [String(row['plain']), Number(row['huge']), Number(row['n'])];
      return name === 'sum' ? sumOf(text, huge) : averageOf(text, huge, count);
    };
    const total = 'toFloat64(plain) + huge';
    return { columns, aggregates, values, of: 'events', rank: name === 'sum' ? total : `if(n = 0, 0, (${total}) / n)`, value };
  }
  const fn = { min: 'min', max: 'max', median: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99) }[name] ?? 'min';
  return { ...plain(fn, number), columns, values };
}

/** Exact, between the two neighbours where the rank falls between them (as Excel's PERCENTILE.INC). */
function quantile(level: number): string {
  return `quantileExactInclusive(${level})`;
}

function plain(fn: string, of: string): MeasurePlan {
  return { columns: [], aggregates: [{ name: 'v', fn, of }], values: [], of: 'events', rank: 'ifNull(v, 0)', value: numberOf('v') };
}

function numberOf(name: string): (row: Record<string, unknown>) => number {
  // Of no value at all the aggregate is NULL or NaN (null in JSON); points are zero-filled.
  return (row) => Number(row[name] ?? 0);
}

/**
 * FROM of the plan's aggregates, unless it is of sessions: the events' rows with `keys` and the plan's columns; for persons, who must be
 * named in `rows`, `person` and where it `isCounted` `done`. They are first brought together by actor and `keys`; not where some of the
 * keys are groups, for that makes few rows of many but costs a text more each: users by day and category of 440,000 events took 0.53 s,
 * and 0.29 s with each row mapped (CPU, chDB 26.7, 2026-11-22).
 */
export function measuredRows(plan: RowsPlan, rows: string, { keys, hasGroups }: { keys: readonly string[]; hasGroups: boolean }, { identity, naming }: People): string {
  if (plan.of === 'events') return `(${rows})`;
  const actors = [...keys, naming.actor].join(', ');
  const done = (sql: string): string => (plan.isCounted === true ? `, ${sql} AS done` : '');
  const some = hasGroups ? `SELECT *${done('1')} FROM (${rows})` : `SELECT ${actors}${done('count()')} FROM (${rows}) GROUP BY ${actors}`;
  return `(SELECT ${[...keys, `${naming.person} AS person`].join(', ')}${done('done')} FROM (${some}) AS actors ${naming.join(identity)})`;
}

/** How they are named, and who is who. */
type People = { identity: ProjectIdentity; naming: Naming };
