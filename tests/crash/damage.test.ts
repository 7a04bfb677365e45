/**
 * A bit flipped or a tail cut in each kind of file of a data folder that was really used. Whatever the server does then,
 * it is one of two: everything is answered as before (nothing was lost, or it was mended), or it says what is damaged: a
 * start refused in one sentence with a fix, or a problem with a code. Never another count, nor a start without end.
 * `TIDEMARK_DAMAGE_CASES=200` tries every kind in both ways and goes on with so many random ones, `TIDEMARK_SEED=…` does the same again;
 * without, some of the kinds that can be mended are drawn.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freshFolder, ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';
import { DAMAGED_KINDS, damage, filesByKind } from './damage/files.ts';
import { seededRandom } from './ledger.ts';

const CASES = Number(process.env['TIDEMARK_DAMAGE_CASES'] ?? 0);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
/** Kinds that nothing else can make good: their damage is either harmless or refuses the start. */
const NEVER_MENDED = ['log', 'control', 'format', 'manifest'];
const MENDABLE_DRAWN = 3;

it(`files with a bit flipped or their tail cut: as before, or told (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const dataPath = freshFolder();
  const seen: Record<string, Record<string, number>> = {};
  try {
    const before = await use(dataPath);
    const kinds = kindsToTry(random);
    for (const [round, { kind, way, file = /./, end: expected }] of kinds.entries()) {
      const all = (filesByKind(dataPath).get(kind) ?? []).filter((path) => file.test(path));
      expect(all, `files of kind ${kind}`).not.toEqual([]);
      // All that is expendable may go at once.
      const chosen = kind === 'expendable' ? all : [all[Math.floor(random() * all.length)]!];
      const damages = chosen.map((path) => ({ path, ...damage(join(dataPath, path), random, way) }));
      const label = `round ${round}: ${damages.map(({ path, words }) => `${path}: ${words}`).join('; ')}`;
      const startedAt = performance.now();
      const end = await outcome(dataPath, before);
      for (const { mend } of damages) mend();
      (seen[kind] ??= {})[end.name] = (seen[kind][end.name] ?? 0) + 1;
      expect(end.name, `${label}\n${end.words}`).not.toBe('silent');
      if (expected !== undefined) expect(end.name, `${label}\n${end.words}`).toBe(expected);
      if (end.name === 'refused') expect(kind === 'expendable' ? end.words : '', label).toBe('');
      const seconds = (performance.now() - startedAt) / 1000;
      // A process that does not hear that it is to stop is killed after a minute.
      if (end.name === 'refused') expect(seconds, label).toBeLessThan(45);
      console.log(`${label}: ${end.name} after ${seconds.toFixed(1)} s${end.name === 'same' ? '' : `\n    ${end.words.split('\n')[0]}`}`);
    }
    expect(await outcome(dataPath, before), 'with everything put back').toMatchObject({ name: 'same' });
    console.log(JSON.stringify(seen));
    expect(NEVER_MENDED.filter((kind) => !(kind in seen))).toEqual([]);
  } finally {
    rmSync(dataPath, { recursive: true, force: true });
  }
}, 300_000 + CASES * 20_000);

interface Try {
  kind: string;
  way?: 'flip' | 'cut' | { byte: number; bit: number };
  /** Files of the kind that are meant; all when absent. */
  file?: RegExp;
  /** What then has to come of it. */
  end?: Outcome['name'];
}

/** The header of a block then says that it has half a GB. */
const HUGE = { byte: 20, bit: 5 };
/** What was once answered with silence, with a start without end, or with one refused, though the part could be made again. */
const FOUND: readonly Try[] = [
  // The engine was told that there is no memory, and its own check of parts found nothing.
  { kind: 'part index', file: /\/2026\d\d_\d+_\d+_\d+\/skp_idx_by_offset\.idx2$/, way: HUGE, end: 'same' },
  // The table could not even be opened.
  { kind: 'part index', file: /\/2026\d\d_\d+_\d+_\d+\/data\.cmrk\d$/, way: HUGE, end: 'same' },
  // A definition still, of a column that no statement knows: `range_start` had become `range[start`.
  { kind: 'table definition', file: /\/outcomes\.sql$/, way: { byte: 366, bit: 2 }, end: 'same' },
  { kind: 'table definition', way: 'cut', end: 'same' },
];

function kindsToTry(random: () => number): Try[] {
  const drawn = (kinds: readonly string[]): Try => ({ kind: kinds[Math.floor(random() * kinds.length)]! });
  if (CASES > 0) return [...FOUND, ...DAMAGED_KINDS.flatMap((kind): Try[] => [{ kind, way: 'flip' }, { kind, way: 'cut' }]), ...Array.from({ length: CASES }, () => drawn(DAMAGED_KINDS))];
  const mendable = DAMAGED_KINDS.filter((kind) => !NEVER_MENDED.includes(kind));
  const some = Array.from({ length: MENDABLE_DRAWN }, (): Try => ({ kind: mendable.splice(Math.floor(random() * mendable.length), 1)[0]! }));
  return [...FOUND, ...NEVER_MENDED.map((kind) => ({ kind })), ...some];
}

/** Uses a new folder for a while and stops. Resolves with what is answered. */
async function use(dataPath: string): Promise<string> {
  const server = await ServerUnderTest.start({ dataPath });
  await server.ready();
  const { current } = await server.ask<{ current: string }>('/api/projects');
  await server.ask(`/api/projects/${current}/sources`, { name: 'Web shop' });
  for (let round = 0; round < 4; round++) {
    const events: unknown[] = Array.from({ length: 150 }, (_, index) => ({
      eventId: `e${round}-${index}`,
      eventName: `name_${index % 4}`,
      userId: `u${index % 9}`,
      timestamp: Date.UTC(2026, 0, 1 + round) + index * 60_000,
      properties: { index, text: 'words '.repeat(index % 30) },
    }));
    // A copy of the round before, and some that are refused.
    events.push({ eventId: 'e0-1', eventName: 'name_1', userId: 'u1' }, { eventId: `bad-${round}` }, { eventName: 'no id', userId: 'u' });
    const response = await fetch(`${server.url}/api/events/batch`, { method: 'POST', headers: { authorization: `Bearer ${WRITE_KEY}` }, body: JSON.stringify({ events }) });
    expect(response.status).toBe(202);
    await server.drained();
  }
  const facts = await factsOf(server);
  expect(JSON.parse(facts)).toMatchObject({ balance: { stored: 600, duplicate: 4, quarantined: 8, difference: 0 } });
  expect(await server.end()).toBe(0);
  return facts;
}

interface Outcome {
  /** `told`: it runs, and a question is answered with a problem that names the damage. */
  name: 'same' | 'refused' | 'told' | 'silent';
  words: string;
}

async function outcome(dataPath: string, before: string): Promise<Outcome> {
  let server: ServerUnderTest;
  try {
    server = await ServerUnderTest.start({ dataPath });
  } catch (error) {
    // One sentence, one fix; and no stack beside them.
    const words = String(error).replace(/^.*did not start:\n/s, '');
    const lines = words.split('\n').filter((line) => !/starting with data folder|^\{/.test(line));
    const isSentence = /tidemark: [A-Z].*\n\s+Fix: /.test(words) && !/^\s+at /m.test(words);
    return { name: isSentence ? 'refused' : 'silent', words: lines.join('\n') };
  }
  try {
    await server.ready();
    const after = await factsOf(server);
    return after === before ? { name: 'same', words: server.output } : { name: 'silent', words: `${after}\n${server.output}` };
  } catch (error) {
    const words = String(error);
    return { name: /"code":"(store_damaged|not_ready|control_corrupt)"/.test(words) ? 'told' : 'silent', words: `${words}\n${server.output}` };
  } finally {
    await server.end();
  }
}

/** Everything that people may ask, as text. */
async function factsOf(server: ServerUnderTest): Promise<string> {
  await server.drained();
  const { balance } = await server.ask<{ balance: unknown }>('/api/pipeline');
  const range = { from: '2025-12-01T00:00:00Z', to: '2026-02-01T00:00:00Z' };
  const trend = await server.ask<{ series: unknown }>('/api/analytics/trend', {
    series: [{ measure: 'events' }, { event: 'name_1', measure: 'users' }, { event: 'name_2', measure: 'events' }], ...range, granularity: 'day',
  });
  const exported = await server.request('/api/events/export', { format: 'ndjson', ...range });
  const text = await exported.text();
  if (!exported.ok) throw new Error(text);
  const quarantine = await server.ask<{ items: { code: string }[] }>('/api/quarantine');
  const { current } = await server.ask<{ current: string }>('/api/projects');
  const sources = await server.ask(`/api/projects/${current}/sources`);
  return JSON.stringify({ balance, trend: trend.series, exported: text.trim().split('\n').toSorted(), quarantine, sources });
}
