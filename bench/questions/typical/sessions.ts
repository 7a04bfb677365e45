import type { Row } from '../hand-sql.ts';
import { ACTOR, joinPersons, PERSON, within } from './persons.ts';
import { lastDays, type Typical } from './typical.ts';

const GAP_MS = 1_800_000;
const DAY_MS = 86_400_000;

interface Figures {
  users: number;
  meanSeconds: number | null;
  medianSeconds: number | null;
  p90Seconds: number | null;
  eventsPerSession: number;
  pagesPerSession: number;
  bounceRate: number;
}

type Answer = Figures & { sessions: number; points: (Figures & { value: number })[] };
type Of = Parameters<Typical['sql']>[0];

/**
 * Sessions of the last month, day by day. By hand: times of each device and actor, with a bit that says whether it was a page, are gathered,
 * brought together by person, sorted and split; a window function over the rows sorts each row with its ids, which is slower. A gap more is
 * read before the range, as what goes on there began before it, and after it as long as one session may still go on there.
 */
export const sessions: Typical = {
  path: 'sessions',
  question: { granularity: 'day' },
  range: lastDays(30),
  sql: (of) => `SELECT grouping(day) AS is_total, count() AS sessions, uniqExact(person) AS users, sum(ms) AS length, quantilesExactInclusive(0.5, 0.9)(ms / 1000) AS quantiles, sum(depth) AS events, sum(shown) AS pages, countIf(depth = 1) AS bounces
    FROM (SELECT person, intDiv(bitShiftRight(piece[1], 2) - ${of.fromMs}, ${DAY_MS}) AS day, bitShiftRight(piece[-1], 2) - bitShiftRight(piece[1], 2) AS ms, length(piece) AS depth, arrayCount(e -> bitTest(e, 0), piece) AS shown
      FROM ${piecesSql(of, `bitShiftLeft(toUnixTimestamp64Milli(time), 2) + (type IN ('page', 'screen'))`, 4)} WHERE bitShiftRight(piece[1], 2) >= ${of.fromMs} AND bitShiftRight(piece[1], 2) < ${of.toMs})
    GROUP BY GROUPING SETS ((day), ()) ORDER BY is_total DESC, day`,
  expected: (rows) => rows.map(figuresByHand),
  told: ({ sessions: count, points, ...whole }: Answer) => [figuresOf(count, whole), ...points.map(({ value, ...figures }) => figuresOf(value, figures))],
  less: {
    what: 'four figures of the whole month',
    sql: (of) => `SELECT count() AS sessions, uniqExact(person) AS users, quantileExactInclusive(0.5)((piece[-1] - piece[1]) / 1000) AS median, countIf(length(piece) = 1) / count() AS bounces
      FROM ${piecesSql(of, 'toUnixTimestamp64Milli(time)', 1)} WHERE piece[1] >= ${of.fromMs} AND piece[1] < ${of.toMs}`,
  },
};

/** Relation of person and piece, the events of a session: `element` is `scale` times the time, and at most a quarter of that more. */
function piecesSql(of: Of, element: string, scale: number): string {
  return `(SELECT person, arraySplit((x, d) -> d > ${scale * GAP_MS + scale / 2}, e, arrayDifference(e)) AS pieces FROM (
      SELECT ${PERSON} AS person, arraySort(groupArrayArray(some)) AS e FROM (
        SELECT ${ACTOR} AS actor, cityHash64(anonymous_id) AS device, groupArray(${element}) AS some FROM events
        WHERE ${within({ ...of, fromMs: of.fromMs - GAP_MS, toMs: of.toMs + GAP_MS })} GROUP BY actor, device) AS actors ${joinPersons(of.project)} GROUP BY person, device))
    ARRAY JOIN pieces AS piece`;
}

function figuresByHand(row: Row): unknown[] {
  const of = (name: string): number => Number(row[name]);
  const [median, p90] = row['quantiles'] as number[];
  const count = of('sessions');
  return [count, of('users'), of('length') / count / 1000, median, p90, of('events') / count, of('pages') / count, of('bounces') / count];
}

function figuresOf(count: number, { users, meanSeconds, medianSeconds, p90Seconds, eventsPerSession, pagesPerSession, bounceRate }: Figures): unknown[] {
  return [count, users, meanSeconds, medianSeconds, p90Seconds, eventsPerSession, pagesPerSession, bounceRate];
}
