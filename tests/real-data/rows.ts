/** Two published clickstreams as plain rows, and what a script that knows nothing of Tidemark finds in them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Row {
  who: string;
  event: string;
  ms: number;
  /** Place in the file: what happened in the same second is in this order. */
  place: number;
  fields: Record<string, string | null>;
}

function linesOf(folder: string, file: string): string[] {
  return gunzipSync(readFileSync(join(folder, file))).toString().split('\n').filter(Boolean);
}

/** A shop: user_id,session_id,event,timestamp,platform,acquisition_channel,user_cohort,user_lifecycle. */
export function shopRows(folder: string): Row[] {
  const [head = '', ...lines] = linesOf(folder, 'ecom.csv.gz');
  const names = head.trim().split(',');
  return lines.map((line, place) => {
    const cells = line.trim().split(',');
    const fields = Object.fromEntries(names.map((name, i) => [name, cells[i]!]));
    return { who: fields['user_id']!, event: fields['event']!, ms: Date.parse(`${fields['timestamp']!.replace(' ', 'T')}Z`), place, fields };
  });
}

/** Pages and their speed: one JSON object a line. Without the few that name nobody, which the door refuses. */
export function pageRows(folder: string): Row[] {
  const rows = linesOf(folder, 'web-analytics.ndjson.gz').map((line, place) => {
    const fields = JSON.parse(line) as Record<string, string | null>;
    return { who: fields['session_id'] ?? '', event: fields['action']!, ms: Date.parse(`${fields['timestamp']!.replace(' ', 'T')}Z`), place, fields };
  });
  return rows.filter(({ who }) => who !== '');
}

/** Each one's rows in order. */
export function byWho(rows: readonly Row[]): Row[][] {
  const found = new Map<string, Row[]>();
  for (const row of rows) found.set(row.who, [...(found.get(row.who) ?? []), row]);
  return [...found.values()].map((own) => own.toSorted((a, b) => a.ms - b.ms || a.place - b.place));
}

export function count<Item>(items: readonly Item[], key: (item: Item) => string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const item of items) found[key(item)] = (found[key(item)] ?? 0) + 1;
  return found;
}

/** Runs of rows of one person with no silence of more than half an hour. */
export function visits(rows: readonly Row[]): Row[][] {
  return byWho(rows).flatMap((own) => {
    const found: Row[][] = [];
    for (const [i, row] of own.entries()) {
      if (i > 0 && row.ms - own[i - 1]!.ms <= 1_800_000) found.at(-1)!.push(row);
      else found.push([row]);
    }
    return found;
  });
}

/** How many come so far: for each beginning, each next step as early as it comes, all within the window. */
export function reached(rows: readonly Row[], steps: readonly string[], windowMs: number): number[] {
  const depths = byWho(rows).map((own) => {
    let best = 0;
    for (const [from, start] of own.entries()) {
      if (start.event !== steps[0]) continue;
      let depth = 1;
      for (let i = from + 1; i < own.length && own[i]!.ms <= start.ms + windowMs && depth < steps.length; i++) if (own[i]!.event === steps[depth]) depth++;
      best = Math.max(best, depth);
    }
    return best;
  });
  return steps.map((_, i) => depths.filter((depth) => depth > i).length);
}

const WEEK_MS = 7 * 86_400_000;
/** Number of the week that begins on a Monday. */
export function week(ms: number): number {
  return Math.floor((ms - 4 * 86_400_000) / WEEK_MS);
}

/** By the week of their first `start`: how many there are, and how many of them do `back` so many weeks later. */
export function retained(rows: readonly Row[], start: string, back: string, columns: number): Record<number, [size: number, ...back: number[]]> {
  const found: Record<number, [number, ...number[]]> = {};
  for (const own of byWho(rows)) {
    const first = own.findIndex(({ event }) => event === start);
    if (first < 0) continue;
    const cohort = week(own[first]!.ms);
    const line = (found[cohort] ??= [0, ...Array.from({ length: columns }, () => 0)] as [number, ...number[]]);
    line[0]++;
    const weeks = new Set(own.slice(first).filter(({ event }) => event === back).map(({ ms }) => week(ms) - cohort));
    for (let k = 0; k < columns; k++) if (weeks.has(k)) line[k + 1]!++;
  }
  return found;
}

/** `step name` of what people do within a day of their first `anchor`, without repeats. */
export function nodesAfter(rows: readonly Row[], anchor: string, steps: number): Record<string, number> {
  const found: string[] = [];
  for (const own of byWho(rows)) {
    const first = own.findIndex(({ event }) => event === anchor);
    if (first < 0) continue;
    const path = own.slice(first).filter(({ ms }) => ms <= own[first]!.ms + 86_400_000).map(({ event }) => event).filter((event, i, all) => event !== all[i - 1]);
    found.push(...path.slice(0, steps).map((event, i) => `${i + 1} ${event}`), ...(path.length < steps ? [`${path.length + 1} drop-off`] : []));
  }
  return count(found, (each) => each);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  return (sorted[Math.floor(at)]! + sorted[Math.ceil(at)]!) / 2;
}
