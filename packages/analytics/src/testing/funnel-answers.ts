/** Answers of funnels, and the people behind them, held against the model's. */
import type { FunnelAnswer as ModelAnswer, FunnelPerson, FunnelQuestion } from '@tidemark/model';

interface StepAnswer {
  users: number;
  fromStart: number;
  fromPrevious: number;
  dropOff: number;
  medianSeconds: number | null;
  p90Seconds: number | null;
  medianSecondsFromStart: number | null;
  p90SecondsFromStart: number | null;
  interval: number[] | null;
}
interface LineAnswer {
  steps: StepAnswer[];
  histogram?: { fromSeconds: number; toSeconds: number; users: number }[];
  points?: { time: string; users: number; converted: number; rate: number; unfinished?: true }[];
}
export interface FunnelAnswer extends LineAnswer {
  next?: { event: string; users: number }[];
  breakdowns: (LineAnswer & { breakdown: string[] })[];
}

/** What of an answer the model, with its shares, tells too: all but names of steps. */
export function shown(answer: FunnelAnswer): object {
  return { ...shownLine(answer), breakdowns: answer.breakdowns.map((group) => ({ breakdown: group.breakdown, ...shownLine(group) })), ...(answer.next && { next: answer.next }) };
}

function shownLine({ steps, histogram, points }: LineAnswer): object {
  return {
    steps: steps.map((step) => ({ ...step, event: undefined, optional: undefined })),
    ...(histogram && { histogram }),
    ...(points && { points: points.map(({ time, unfinished = false, ...point }) => ({ timeMs: Date.parse(time), ...point, unfinished })) }),
  };
}

/** The model's answer with what follows from its numbers of people, for the whole and for each group by its own (rules F11, F14, F15). */
export function withShares(answer: ModelAnswer, { steps: asked }: Pick<FunnelQuestion, 'steps'>): object {
  const ofLine = <Line extends Pick<ModelAnswer, 'steps' | 'points'>>(line: Line): object => {
    const users = (i: number): number => line.steps[i]?.users ?? 0;
    return {
      ...line,
      steps: line.steps.map((step, i) => {
        const previous = users(i === 0 ? 0 : asked.findLastIndex(({ optional = false }, j) => j < i && !optional));
        return { ...step, fromStart: share(step.users, users(0)), fromPrevious: share(step.users, previous), dropOff: previous - step.users, interval: scoreInterval(step.users, users(0)) };
      }),
      ...(line.points && { points: line.points.map((point) => ({ ...point, rate: share(point.converted, point.users) })) }),
    };
  };
  return { ...ofLine(answer), breakdowns: answer.breakdowns.map(ofLine) };
}

function share(x: number, n: number): number {
  return n === 0 ? 0 : x / n;
}

/** The formula of rule F15, to six digits. What lies within rounding of 0 or 1 is meant to be that. */
function scoreInterval(x: number, n: number): number[] | null {
  if (n === 0) return null;
  const [p, z] = [x / n, 1.959963984540054];
  const half = z * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n ** 2));
  return [-half, half].map((side) => Number(Number(((p + z ** 2 / (2 * n) + side) / (1 + z ** 2 / n)).toFixed(13)).toPrecision(6)) + 0);
}

/** What a cell is made of: a step (from 0), a bin, what was done next or a point of time, and the place of the person whose group, bin and so on it has. */
export interface DrawnCell {
  what: string;
  of: number;
  step: number;
  outcome: 'reached' | 'dropped';
  isOfGroup: boolean;
}

/** A cell of the answer, and the model's people who are meant; undefined where there is none of the kind drawn. */
export function cellOf({ what, of, step, outcome, isOfGroup }: DrawnCell, question: FunnelQuestion, answer: FunnelAnswer, people: FunnelPerson[]): { cell: object; meant: FunnelPerson[] } | undefined {
  const one = people[of % Math.max(people.length, 1)];
  if (one === undefined) return undefined;
  if (what === 'next') {
    if (one.next === undefined) return undefined;
    const names = answer.next?.map(({ event }) => event) ?? [];
    if (one.next === '') return { cell: { next: 'drop-off' }, meant: people.filter(({ next }) => next === '') };
    if (names.includes(one.next)) return { cell: { next: one.next }, meant: people.filter(({ next }) => next === one.next) };
    return { cell: { next: 'other' }, meant: people.filter(({ next }) => next !== undefined && next !== '' && !names.includes(next)) };
  }
  const inGroup = isOfGroup && (question.breakdown ?? []).length > 0;
  const part = (value: string | null): unknown => (value === 'other' || value === '(not set)' ? { value } : (value ?? '(not set)'));
  const group = inGroup ? { breakdown: one.group === 'other' ? question.breakdown?.map(() => 'other') : one.group.map(part) } : {};
  const among = inGroup ? people.filter((person) => JSON.stringify(person.group) === JSON.stringify(one.group)) : people;
  if (what === 'bin') return one.bin === undefined ? undefined : { cell: { bin: one.bin, ...group }, meant: among.filter(({ bin }) => bin === one.bin) };
  const i = step % question.steps.length;
  const before = Math.max(0, question.steps.findLastIndex(({ optional = false }, j) => j < i && !optional));
  const isMeant = ({ reached }: FunnelPerson): boolean => (outcome === 'reached' ? reached[i] === true : reached[before] === true && reached[i] === false);
  if (what === 'step') return { cell: { step: i + 1, outcome, ...group }, meant: among.filter(isMeant) };
  const at = answer.points?.findLastIndex(({ time }) => Date.parse(time) <= one.startMs) ?? -1;
  const [point, after] = [answer.points?.[at], answer.points?.[at + 1]];
  if (point === undefined) return undefined;
  const endMs = after === undefined ? Number.POSITIVE_INFINITY : Date.parse(after.time);
  return { cell: { step: i + 1, outcome, time: point.time, ...group }, meant: among.filter((person) => isMeant(person) && person.startMs >= Date.parse(point.time) && person.startMs < endMs) };
}

/** `user x` and `device x` in the order of K1, as personId and whether it has a user. */
export function inListOrder(people: FunnelPerson[]): [string, boolean][] {
  const named = people.map(({ person }): [string, boolean] => [person.slice(person.indexOf(' ') + 1), person.startsWith('user ')]);
  return named.toSorted(([a, x], [b, y]) => Buffer.compare(Buffer.from(a), Buffer.from(b)) || Number(y) - Number(x));
}
