/** The widest rollups that a question can take each part of its range from. */
import { BUCKET_MS, COARSER_MS, type Run } from '@tidemark/warehouse';

/** Runs that are taken from rollups of one width. */
export interface SpanRuns {
  widthMs: number;
  runs: readonly Run[];
}

/** Each run stands twice in a statement, and is asked of each of its rows. */
const MAX_RUNS = 20;

/** Widths that some spans between the points (`starts`) of a range may have. */
export function usefulWidths(fromMs: number, toMs: number, starts: readonly number[]): number[] {
  const borders = [fromMs, ...starts.filter((start) => start > fromMs), toMs];
  const widest = Math.max(...borders.map((border, i) => border - (borders[i - 1] ?? border)));
  return COARSER_MS.filter((widthMs) => widthMs <= widest);
}

/** The runs in rollups of these widths (the widest first) where a whole span lies in one of them, between two points, and is not stale; else in quarters. */
export function byWidth(runs: readonly Run[], starts: readonly number[], widths: readonly number[], isStale: (widthMs: number, startMs: number) => boolean): SpanRuns[] {
  const parts: SpanRuns[] = [];
  let left = runs;
  for (const widthMs of widths) {
    const taken = longest(left.flatMap((run) => spansIn(run, starts, widthMs, isStale)));
    parts.push({ widthMs, runs: taken });
    left = left.flatMap((run) => restOf(run, taken.filter(({ fromMs, toMs }) => fromMs >= run.fromMs && toMs <= run.toMs)));
  }
  return [...parts, { widthMs: BUCKET_MS, runs: left }].filter((part) => part.runs.length > 0);
}

function spansIn({ fromMs, toMs }: Run, starts: readonly number[], widthMs: number, isStale: (widthMs: number, startMs: number) => boolean): Run[] {
  const spans: Run[] = [];
  let next = 0;
  for (let at = Math.ceil(fromMs / widthMs) * widthMs; at + widthMs <= toMs; at += widthMs) {
    while ((starts[next] ?? Infinity) <= at) next++;
    if ((starts[next] ?? Infinity) < at + widthMs || isStale(widthMs, at)) continue;
    const last = spans.at(-1);
    if (last?.toMs === at) last.toMs += widthMs;
    else spans.push({ fromMs: at, toMs: at + widthMs });
  }
  return spans;
}

function longest(runs: readonly Run[]): Run[] {
  const chosen = runs.toSorted((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs)).slice(0, MAX_RUNS);
  return chosen.toSorted((a, b) => a.fromMs - b.fromMs);
}

/** What of a range is not among the runs, which are ascending. */
export function restOf({ fromMs, toMs }: Run, runs: readonly Run[]): Run[] {
  const rest: Run[] = [];
  let from = fromMs;
  for (const run of [...runs, { fromMs: toMs, toMs }]) {
    if (from < run.fromMs) rest.push({ fromMs: from, toMs: run.fromMs });
    from = run.toMs;
  }
  return rest;
}
