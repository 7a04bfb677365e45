import Type from 'typebox';
import { averageOf, hugeSumSql, sumOf, sumSql } from './decimal.ts';
import { joinIdentity, PERSON_SQL, ACTOR_COLUMNS } from './person.ts';
import type { ProjectIdentity } from './project-identity.ts';
import { propertySql } from './property.ts';
import { PropertyName } from './schema.ts';
import { SESSION_COLUMNS } from './sessions.ts';

const OF_PROPERTY = ['sum', 'avg', 'min', 'max', 'median', 'p90', 'p99', 'unique'] as const;

export const Measure = Type.Union(
  [
    Type.Enum(['events', 'users', 'sessions']),
    ...OF_PROPERTY.map((name) => Type.Object({ [name]: PropertyName }, { additionalProperties: false })),
  ],
  { description: `events, users, sessions, or one of ${OF_PROPERTY.join(', ')} of a property, as {"sum": "properties.price"}` },
);
export type Measure = 'events' | 'users' | 'sessions' | Partial<Record<(typeof OF_PROPERTY)[number], string>>;

/** How a measure is computed from the rows of a set of events. */
export interface MeasurePlan {
  /** Columns that it needs of each event, as `expression AS name`. */
  columns: string[];
  /** Aggregate expressions over these columns (for persons, over `person`; for sessions, over SESSION_COLUMNS). */
  aggregates: { name: string; sql: string }[];
  /** What the rows are brought together to before they are aggregated. */
  of: 'events' | 'persons' | 'sessions';
  /** SQL over the aggregates' names by which groups are ranked. */
  rank: string;
  /** The number from the aggregates of one row. */
  value(row: Record<string, unknown>): number;
}

/** The plan of a measure; `field` names its place in the question. */
export function planMeasure(measure: Measure, field: string): MeasurePlan {
  if (measure === 'events') return plain('count()');
  if (measure === 'users') {
    return { columns: [ACTOR_COLUMNS], aggregates: [{ name: 'v', sql: `uniqExact(${PERSON_SQL})` }], of: 'persons', rank: 'v', value: number('v') };
  }
  if (measure === 'sessions') {
    return { columns: [], aggregates: [{ name: 'v', sql: `uniqExact(${SESSION_COLUMNS.join(', ')})` }], of: 'sessions', rank: 'v', value: number('v') };
  }
  const [[name, property] = ['sum', '']] = Object.entries(measure);
  const read = propertySql(property, 'events', `${field}.${name}`);
  if (name === 'unique') return { ...plain('uniqExact(x)'), columns: [`${read.text} AS x`] };
  const columns = [`${read.number} AS x`];
  if (name === 'sum' || name === 'avg') {
    const aggregates = [
      { name: 'plain', sql: sumSql('x') },
      { name: 'huge', sql: hugeSumSql('x') },
      { name: 'n', sql: 'count(x)' },
    ];
    const value = (row: Record<string, unknown>): number => {
      const [text, huge, count] = [String(row['plain']), Number(row['huge']), Number(row['n'])];
      return name === 'sum' ? sumOf(text, huge) : averageOf(text, huge, count);
    };
    const total = 'toFloat64(plain) + huge';
    return { columns, aggregates, of: 'events', rank: name === 'sum' ? total : `if(n = 0, 0, (${total}) / n)`, value };
  }
  const sql = { min: 'min(x)', max: 'max(x)', median: quantileSql(0.5), p90: quantileSql(0.9), p99: quantileSql(0.99) }[name] ?? 'min(x)';
  return { ...plain(sql), columns };
}

/** Exact, between the two neighbours where the rank falls between them (as Excel's PERCENTILE.INC). */
function quantileSql(level: number): string {
  return `quantileExactInclusive(${level})(x)`;
}

function plain(sql: string): MeasurePlan {
  return { columns: [], aggregates: [{ name: 'v', sql }], of: 'events', rank: 'ifNull(v, 0)', value: number('v') };
}

function number(name: string): (row: Record<string, unknown>) => number {
  // Of no value at all the aggregate is NULL or NaN (null in JSON); points are zero-filled.
  return (row) => Number(row[name] ?? 0);
}

/** FROM of the plan's aggregates, unless it is of sessions: the events' rows, for persons brought together by actor and `keys` and mapped. */
export function measuredRows(plan: MeasurePlan, rows: string, keys: readonly string[], who: string | ProjectIdentity): string {
  if (plan.of === 'events') return `(${rows})`;
  const columns = [...keys, 'actor_user', 'actor_device'].join(', ');
  return `(SELECT ${columns} FROM (${rows}) GROUP BY ${columns}) AS actors ${joinIdentity(who)}`;
}
