/** Draws answers in a terminal: a trend as bars over time, a funnel as bars of people, a timeline as lines. */
import { barRows, clip, duration, figure, percent, sparkline } from './bars.ts';

export interface Meta {
  asOf: string;
  completeThrough: string;
  provisionalFrom: string | null;
  rowsRead: number;
  elapsedMs: number;
}

export interface TrendAnswer {
  series: { label: string; breakdown: string[]; total: number; points: { time: string; value: number }[] }[];
  meta: Meta;
}

interface FunnelStep {
  event: string;
  users: number;
  fromStart: number;
  fromPrevious: number;
  dropOff: number;
  medianSeconds: number | null;
  p90Seconds: number | null;
}

export interface FunnelAnswer {
  steps: FunnelStep[];
  breakdowns: { breakdown: string[]; steps: FunnelStep[] }[];
  meta: Meta;
}

export interface TimelineAnswer {
  events: {
    timestamp: string;
    eventName: string;
    source?: string;
    bot?: boolean;
    properties?: Record<string, unknown>;
  }[];
  nextCursor?: string | null;
}

/** One series as a bar a bucket; several as a bar and a sparkline each. */
export function drawTrend({ series, meta }: TrendAnswer, width: number): string {
  const lines: string[] = [];
  const [only] = series;
  if (only && series.length === 1) {
    lines.push(`${nameOf(only)}: ${figure(only.total)}`, '');
    lines.push(
      ...barRows(
        only.points.map(({ time, value }) => ({ label: shortTime(time), value })),
        width,
      ),
    );
  } else if (series.length > 0) {
    lines.push(
      ...barRows(
        series.map((each) => ({ label: nameOf(each), value: each.total })),
        width,
      ),
      '',
    );
    const labelWidth = Math.max(...series.map((each) => clip(nameOf(each), 40).length));
    for (const each of series) {
      const values = each.points.map(({ value }) => value).slice(-(width - labelWidth - 4));
      lines.push(`  ${clip(nameOf(each), 40).padEnd(labelWidth)}  ${sparkline(values)}`);
    }
  } else {
    lines.push('No series.');
  }
  return finish(lines, meta);
}

export function drawFunnel({ steps, breakdowns, meta }: FunnelAnswer, width: number): string {
  const lines = drawSteps(steps, width);
  for (const { breakdown, steps: own } of breakdowns)
    lines.push('', breakdown.map((each) => clip(each, 40)).join(' · '), ...drawSteps(own, width));
  return finish(lines, meta);
}

function drawSteps(steps: readonly FunnelStep[], width: number): string[] {
  const rows = steps.map((step, index) => ({
    label: `${index + 1} ${step.event}`,
    value: step.users,
    note: `${figure(step.users)}  ${percent(step.fromStart).padStart(7)}`,
  }));
  const drawn = rows.length === 0 ? [] : barRows(rows, width);
  return drawn.flatMap((line, index) => {
    const step = steps[index]!;
    if (index === 0) return [line];
    const left =
      step.dropOff === 0 ? 'nobody left' : `${figure(step.dropOff)} left (${percent(1 - step.fromPrevious)})`;
    return [`      ${left}; median ${duration(step.medianSeconds)}, p90 ${duration(step.p90Seconds)}`, line];
  });
}

export function drawTimeline({ events, nextCursor }: TimelineAnswer, width: number): string {
  if (events.length === 0) return 'No events in this range.\n';
  const names = events.map((event) => clip(event.eventName, 32));
  const nameWidth = Math.max(...names.map((each) => each.length));
  const lines = events.map((event, index) => {
    const properties = Object.entries(event.properties ?? {}).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    const start = `  ${event.timestamp.replace('T', ' ').replace('Z', '')}  ${names[index]!.padEnd(nameWidth)}  `;
    return (start + clip(properties.join(' '), Math.max(20, width - start.length))).trimEnd();
  });
  if (nextCursor) lines.push('', `There are more: --cursor ${nextCursor}`);
  return `${lines.join('\n')}\n`;
}

function nameOf({ label, breakdown }: { label: string; breakdown: string[] }): string {
  return breakdown.length > 0 ? `${label} · ${breakdown.join(' · ')}` : label;
}

/** `2026-05-03` for a midnight, `2026-05-03 14:00` otherwise. */
function shortTime(time: string): string {
  const [date = time, clock = ''] = time.split('T');
  return clock.startsWith('00:00:00') || clock === '' ? date : `${date} ${clock.slice(0, 5)}`;
}

/** The lines, and how far the answer goes. */
export function finish(lines: string[], meta: Meta): string {
  const provisional = meta.provisionalFrom ? `, may still change from ${meta.provisionalFrom}` : '';
  lines.push('', `  as of ${meta.asOf}${provisional}; ${figure(meta.rowsRead)} rows in ${figure(meta.elapsedMs)} ms`);
  return `${lines.join('\n')}\n`;
}
