import Type from 'typebox';
import type { Aggregate } from './aggregate.ts';
import { averageOf, exactSum, hugeSum, sumOf } from './decimal.ts';
import { joinIdentity, PERSON_SQL, ACTOR_COLUMNS } from './person.ts';
import type { ProjectIdentity } from './project-identity.ts';
import { propertySql } from './property.ts';
import { PropertyName } from './schema.ts';
import { SESSION_COLUMNS } from './sessions.ts';

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
export interface MeasurePlan {
  /** Columns that it needs of each event, as `expression AS name`. */
  columns: string[];
  /** Aggregates over these columns (for persons, over PERSON_SQL and `ofActor`; for sessions, over SESSION_COLUMNS). */
  aggregates: (Aggregate & { name: string })[];
  /** What the rows are brought together to before they are aggregated. */
  of: 'events' | 'persons' | 'sessions';
  /** For persons, what is counted of the rows of each actor, as `expression AS name`. */
  ofActor?: string;
  /** SQL over the aggregates' names by which groups are ranked. */
  rank: string;
  /** The number from the aggregates of one row. */
  value(row: Record<string, unknown>): number;
}

const PERSONS: Aggregate = { fn: 'uniqExact', of: PERSON_SQL };

/** The plan of a measure; `field` names its place in the question. */
export function planMeasure(measure: Measure, field: string): MeasurePlan {
  if (measure === 'events') return plain('count', '');
  if (measure === 'users') {
    return { columns: [ACTOR_COLUMNS], aggregates: [{ name: 'v', ...PERSONS }], of: 'persons', rank: 'v', value: number('v') };
  }
  if (measure === 'eventsPerUser') {
    const aggregates = [{ name: 'n', fn: 'sum', of: 'done' }, { name: 'users', ...PERSONS }];
    const value = (row: Record<string, unknown>): number => (Number(row['users']) === 0 ? 0 : Number(row['n']) / Number(row['users']));
    return { columns: [ACTOR_COLUMNS], aggregates, of: 'persons', ofActor: 'count() AS done', rank: 'n / users', value };
  }
  if (measure === 'sessions') {
    return { columns: [], aggregates: [{ name: 'v', fn: 'uniqExact', of: SESSION_COLUMNS.join(', ') }], of: 'sessions', rank: 'v', value: number('v') };
  }
  const [[name, property] = ['sum', '']] = Object.entries(measure);
  const read = propertySql(property, 'events', `${field}.${name}`);
  if (name === 'unique') return { ...plain('uniqExact', 'x'), columns: [`${read.text} AS x`] };
  const columns = [`${read.number} AS x`];
  if (name === 'sum' || name === 'avg') {
    const aggregates = [
      { name: 'plain', ...exactSum('x') },
      { name: 'huge', ...hugeSum('x') },
      { name: 'n', fn: 'count', of: 'x' },
    ];
    const value = (row: Record<string, unknown>): number => {
      const [text, huge, count] = [String(row['plain']), Number(row['huge']), Number(row['n'])];
      return name === 'sum' ? sumOf(text, huge) : averageOf(text, huge, count);
    };
    const total = 'toFloat64(plain) + huge';
    return { columns, aggregates, of: 'events', rank: name === 'sum' ? total : `if(n = 0, 0, (${total}) / n)`, value };
  }
  const fn = { min: 'min', max: 'max', median: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99) }[name] ?? 'min';
  return { ...plain(fn, 'x'), columns };
}

/** Exact, between the two neighbours where the rank falls between them (as Excel's PERCENTILE.INC). */
function quantile(level: number): string {
  return `quantileExactInclusive(${level})`;
}

function plain(fn: string, of: string): MeasurePlan {
  return { columns: [], aggregates: [{ name: 'v', fn, of }], of: 'events', rank: 'ifNull(v, 0)', value: number('v') };
}

function number(name: string): (row: Record<string, unknown>) => number {
  // Of no value at all the aggregate is NULL or NaN (null in JSON); points are zero-filled.
  return (row) => Number(row[name] ?? 0);
}

/** FROM of the plan's aggregates, unless it is of sessions: the events' rows, for persons brought together by actor and `keys` and mapped. */
export function measuredRows(plan: MeasurePlan, rows: string, keys: readonly string[], who: string | ProjectIdentity): string {
  if (plan.of === 'events') return `(${rows})`;
  const columns = [...keys, 'actor_user', 'actor_device'].join(', ');
  return `(SELECT ${columns}${plan.ofActor === undefined ? '' : `, ${plan.ofActor}`} FROM (${rows}) GROUP BY ${columns}) AS actors ${joinIdentity(who)}`;
}
