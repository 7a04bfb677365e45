/** How often people come, how long they stay, and what they came by. */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import type { Reach } from '../../asking/reach.ts';
import type { Kind } from '../../kind.ts';
import { groupLabels } from '../../events/breakdown.ts';
import type { TimeRange } from '../../time/range.ts';
import { formatTime } from '../../time/zone.ts';
import { pointStarts } from '../points.ts';
import { Cell, peopleOf } from './people.ts';
import { gapOf, Question } from './question.ts';
import { startedSessions, summariesSql } from './sql.ts';

const Seconds = Type.Union([Type.Number(), Type.Null()], { description: 'from the first to the last event; null = no session' });
const SUMMARY = {
  users: Type.Integer(),
  meanSeconds: Seconds,
  medianSeconds: Seconds,
  p90Seconds: Seconds,
  eventsPerSession: Type.Number(),
  pagesPerSession: Type.Number({ description: 'events of type page or screen a session' }),
  bounceRate: Type.Number({ description: 'share of the sessions that have exactly one event' }),
};
const Summary = Type.Object(SUMMARY);
const Line = {
  sessions: Type.Integer(),
  ...SUMMARY,
  points: Type.Array(Type.Object({ time: Type.String(), value: Type.Integer({ description: 'sessions that start in the bucket' }), ...SUMMARY })),
};
const Answer = Type.Object({ ...Line, breakdowns: Type.Array(Type.Object({ breakdown: Type.Array(Type.String()), ...Line })) });
type Answer = Static<typeof Answer>;
type Line = Omit<Answer, 'breakdowns'>;

export const sessions: Kind = { name: 'sessions', summary: 'How often people come, how long they stay, and what they came by.', question: Question, answer: Answer, answerTo, reach, people: { cell: Cell, peopleOf } };

/** An event within a gap of the end goes on with a session of before it; one just before the range makes what follows no start. */
function reach(question: Question, { fromMs, toMs }: TimeRange): Reach {
  const gapMs = gapOf(question);
  return { fromMs: fromMs - gapMs, toMs, aheadMs: gapMs };
}

async function answerTo(question: Question, asking: Asking): Promise<Answer> {
  const { breakdown = [], limit = 10 } = question;
  const starts = pointStarts(question, asking.range, 1);
  const lines = new Map<number, { group: string[]; rows: Map<number, Counted> }>();
  for (const row of await asking.query<Counted>(summariesSql(await startedSessions(question, asking), starts, breakdown.length, limit))) {
    const place = Number(row.is_all) === 1 ? ALL : Number(row.place);
    let line = lines.get(place);
    if (line === undefined) lines.set(place, (line = { group: breakdown.map((_, i) => String(row[`g${i}`])), rows: new Map() }));
    line.rows.set(Number(row.is_total) === 1 ? WHOLE : Number(row.bucket), row);
  }
  const lineOf = (rows: Map<number, Counted> | undefined): Line => ({
    sessions: Number(rows?.get(WHOLE)?.sessions ?? 0),
    ...summaryOf(rows?.get(WHOLE)),
    points: starts.map((start) => {
      const row = rows?.get(start - (starts[0] ?? 0));
      return { time: formatTime(asking.range.zone, start), value: Number(row?.sessions ?? 0), ...summaryOf(row) };
    }),
  });
  const groups = [...lines].filter(([place]) => place !== ALL).toSorted(([a], [b]) => a - b);
  return { ...lineOf(lines.get(ALL)?.rows), breakdowns: groups.map(([, { group, rows }]) => ({ breakdown: groupLabels(group), ...lineOf(rows) })) };
}

/** In the place of a group's: of all sessions together. */
const ALL = 0;
const WHOLE = -1;

interface Counted {
  is_all: number;
  /** Of the group: the greatest is first, what stands for several is behind those that are shown, and the unset last. */
  place?: number;
  is_total: number;
  bucket: number;
  sessions: number;
  users: number;
  /** Median and p90 of the seconds. */
  quantiles: number[];
  /** Ms of all together. */
  length: number;
  events: number;
  shown: number;
  bounces: number;
  [group: `g${number}`]: string;
}

function summaryOf(row: Counted | undefined): Static<typeof Summary> {
  const count = Number(row?.sessions ?? 0);
  if (row === undefined || count === 0) return { users: 0, meanSeconds: null, medianSeconds: null, p90Seconds: null, eventsPerSession: 0, pagesPerSession: 0, bounceRate: 0 };
  const [medianSeconds = null, p90Seconds = null] = row.quantiles;
  return {
    users: Number(row.users),
    meanSeconds: Number(row.length) / count / 1000,
    medianSeconds,
    p90Seconds,
    eventsPerSession: Number(row.events) / count,
    pagesPerSession: Number(row.shown) / count,
    bounceRate: Number(row.bounces) / count,
  };
}
