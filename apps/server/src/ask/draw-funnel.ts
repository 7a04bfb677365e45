/** Draws a funnel: who stays and who leaves, how long that takes, over time, and what people did next. */
import { barRows, duration, figure, percent } from './bars.ts';
import { finish, shortTime, type Meta } from './draw.ts';
import { groupName } from './draw-tables.ts';

interface Step {
  event: string;
  users: number;
  fromStart: number;
  fromPrevious: number;
  dropOff: number;
  medianSeconds: number | null;
  p90Seconds: number | null;
}

interface Line {
  steps: Step[];
  histogram?: { fromSeconds: number; toSeconds: number; users: number }[];
  points?: { time: string; users: number; converted: number; rate: number; unfinished?: true }[];
}

export type FunnelAnswer = Line & { next?: { event: string; users: number }[]; breakdowns: (Line & { breakdown: string[] })[]; meta: Meta };

export function drawFunnel({ next = [], breakdowns, meta, ...whole }: FunnelAnswer, width: number): string {
  const lines = drawLine(whole, width);
  if (next.length > 0) lines.push('', 'What they did next:', ...barRows(next.map(({ event, users }) => ({ label: event, value: users })), width));
  for (const { breakdown, ...own } of breakdowns) lines.push('', groupName(breakdown), ...drawLine(own, width));
  return finish(lines, meta);
}

function drawLine({ steps, histogram = [], points = [] }: Line, width: number): string[] {
  const lines = drawSteps(steps, width);
  if (histogram.length > 0) lines.push('', 'How long it takes:', ...barRows(histogram.map(({ fromSeconds, toSeconds, users }) => ({ label: `${duration(fromSeconds)} to ${duration(toSeconds)}`, value: users })), width));
  if (points.length > 0) {
    const noteOf = (point: (typeof points)[number]): string => `${figure(point.converted)} of ${figure(point.users)}  ${percent(point.rate).padStart(7)}${point.unfinished ? '*' : ' '}`;
    lines.push('', 'By the time of the first step (* may still grow):', ...barRows(points.map((point) => ({ label: shortTime(point.time), value: point.rate, note: noteOf(point) })), width));
  }
  return lines;
}

function drawSteps(steps: readonly Step[], width: number): string[] {
  const rows = steps.map((step, index) => ({ label: `${index + 1} ${step.event}`, value: step.users, note: `${figure(step.users)}  ${percent(step.fromStart).padStart(7)}` }));
  const drawn = rows.length === 0 ? [] : barRows(rows, width);
  return drawn.flatMap((line, index) => {
    const step = steps[index]!;
    if (index === 0) return [line];
    const left = step.dropOff === 0 ? 'nobody left' : `${figure(step.dropOff)} left (${percent(1 - step.fromPrevious)})`;
    return [`      ${left}; median ${duration(step.medianSeconds)}, p90 ${duration(step.p90Seconds)}`, line];
  });
}
