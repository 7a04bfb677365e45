/** Files of real clickstreams as events: CSV or NDJSON, also gzipped, whose columns say by their names what they are. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Asked } from './questions.ts';

/** Names that a column may have, in the order of preference. */
const COLUMNS = {
  eventName: ['eventName', 'event_name', 'event', 'action', 'name'],
  userId: ['userId', 'user_id', 'user'],
  anonymousId: ['anonymousId', 'anonymous_id', 'device_id', 'visitor_id', 'session_id'],
  timestamp: ['timestamp', 'time', 'event_time', 'created_at'],
} as const;

export interface RealFile {
  name: string;
  events: Record<string, unknown>[];
}

export function realFiles(folder: string): RealFile[] {
  const names = readdirSync(folder).filter((name) => /\.(csv|ndjson|jsonl)(\.gz)?$/.test(name));
  return names.toSorted().map((name) => {
    const bytes = readFileSync(join(folder, name));
    const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    const lines = text.split(/\r?\n/).filter(Boolean);
    const rows = name.includes('.csv') ? csvRows(lines) : lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    return { name, events: rows.map((row, index) => eventOf(row, `${name}-${index}`)) };
  });
}

/** What a file is asked: its first 300 days, its commonest names as steps, a few of its people. */
export function askedOf(events: readonly Record<string, unknown>[]): Asked {
  const times = events.map(({ timestamp }) => Date.parse(timestamp as string)).filter((ms) => !Number.isNaN(ms)).toSorted((a, b) => a - b);
  const fromMs = (times[0] ?? 0) - 3_600_000;
  const property = Object.keys(events[0]!['properties'] as object)[0] ?? 'none';
  return {
    fromMs,
    toMs: Math.min(times.at(-1)! + 3_600_000, fromMs + 300 * 86_400_000),
    nowMs: Date.now(),
    steps: commonest(events, 'eventName', 3),
    ids: [...commonest(events, 'userId', 10), ...commonest(events, 'anonymousId', 10)],
    breakdown: `properties.${property}`,
    number: `properties.${property}`,
    granularity: 'hour',
  };
}

function commonest(events: readonly Record<string, unknown>[], field: string, count: number): string[] {
  const times = new Map<string, number>();
  for (const { [field]: value } of events) if (typeof value === 'string' && value !== '') times.set(value, (times.get(value) ?? 0) + 1);
  const ranked = [...times].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([value]) => value);
  return ranked.length === 1 && field === 'eventName' ? [ranked[0]!, ranked[0]!] : ranked.slice(0, count);
}

function csvRows([head = '', ...lines]: readonly string[]): Record<string, unknown>[] {
  const columns = cellsOf(head);
  return lines.map((line) => Object.fromEntries(cellsOf(line).map((cell, index) => [columns[index] ?? `column_${index}`, cell])));
}

/** Cells of one line; line ends within quotes are not for these files. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}

function eventOf(row: Record<string, unknown>, eventId: string): Record<string, unknown> {
  const properties = { ...row };
  const event: Record<string, unknown> = { eventId };
  for (const [field, names] of Object.entries(COLUMNS)) {
    const name = names.find((each) => row[each] !== undefined && row[each] !== '');
    if (name === undefined) continue;
    const value = row[name];
    event[field] = field === 'timestamp' ? zoned(String(value)) : String(value);
    delete properties[name];
  }
  return { ...event, properties };
}

/** Times without a zone are taken for UTC. */
function zoned(text: string): string {
  return /(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text.replace(' ', 'T')}Z`;
}
