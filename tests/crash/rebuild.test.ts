/**
 * A rebuild killed (SIGKILL, by itself) before and after every statement, also between the two tables, or two months, that it
 * puts in place, while events come in. Started again, perhaps killed again, it ends with what a rebuild ends with that was
 * never killed. CI takes a sample; `TIDEMARK_REBUILD_POINTS=all` takes every step, a number so many of each kind;
 * `TIDEMARK_SEED=…` does the same again.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleProgram } from '@tidemark/warehouse/testing';
import { seededRandom } from './ledger.ts';
import type { RebuildFacts } from './rebuild/rebuild-process.ts';

const POINTS = process.env['TIDEMARK_REBUILD_POINTS'] ?? '1';
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
const random = seededRandom(SEED);

const folder = mkdtempSync(join(tmpdir(), 'tidemark-rebuild-'));
const base = join(folder, 'base');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let program: string;
beforeAll(async () => {
  program = await bundleProgram(new URL('rebuild/rebuild-process.ts', import.meta.url));
  const migrations = join(dirname(program), 'migrations');
  cpSync(new URL('../../packages/warehouse/src/migrations', import.meta.url), migrations, { recursive: true });
  const { status, stderr } = spawnSync(process.execPath, [await bundleProgram(new URL('rebuild/base-process.ts', import.meta.url)), base], { timeout: 150_000, encoding: 'utf8' });
  if (status !== 0) throw new Error(`no base: ${stderr}`);
});

const REQUESTS = [
  { what: 'everything', request: {}, swapping: /^EXCHANGE TABLES#1:after$/ },
  { what: 'the months of an event', request: { event: 'order' }, swapping: /^ALTER (events|timeline)#\d:(before|after)$/ },
];
/** Of the steps of a run those that are the rebuild's own, and not the processor's beside it. */
const OF_REBUILD = /rebuild|EXCHANGE|ALTER/;

for (const { what, request, swapping } of REQUESTS) {
  it(`a rebuild of ${what}, killed at ${POINTS} steps and in the swap, ends as one that was never killed (seed ${SEED})`, () => {
    const expected = run(copyOf('whole'), request)!;
    expect(expected).toMatchObject({ state: 'done', mended: 0, balance: { pending: 0, difference: 0, stored: 90 } });
    expect(expected.tables['events']!.length).toBe(90);
    expect(expected.tables['events']!.filter((row) => row.includes('"wrong"'))).toEqual([]);
    expect(expected.tables['shadows']).toEqual([]);
    const own = expected.steps.filter((step) => OF_REBUILD.test(step));
    const inSwap = own.filter((step) => swapping.test(step));
    expect(inSwap.length, own.join(', ')).toBeGreaterThan(0);
    let killed = 0;
    for (const step of POINTS === 'all' ? own : [...sample(inSwap, 1), ...sample(own, Number(POINTS))]) {
      const data = copyOf('killed');
      // With other timing a run has fewer batches, and the step may not come.
      if (run(data, request, step) !== undefined) continue;
      killed++;
      if (random() < 0.3) run(data, request, sample(own, 1)[0]);
      const facts = run(data, request)!;
      const label = `killed at ${step}, seed ${SEED}`;
      for (const [table, rows] of Object.entries(expected.tables)) expect(facts.tables[table], `${table}: ${label}`).toEqual(rows);
      expect(facts, label).toMatchObject({ state: 'done', balance: { pending: 0, difference: 0, stored: 90 } });
      expect(facts.mended, `shadows were taken for damage: ${label}`).toBe(0);
      rmSync(data, { recursive: true, force: true });
    }
    expect(killed).toBeGreaterThan(0);
  }, POINTS === 'all' ? 3_600_000 : 180_000 + Number(POINTS) * 40_000);
}

function sample(steps: readonly string[], count: number): string[] {
  const left = [...steps];
  return Array.from({ length: Math.min(left.length, count) }, () => left.splice(Math.floor(random() * left.length), 1)[0]!);
}

/** Runs to the end; undefined when the process was killed on its way. */
function run(data: string, request: object, deadly?: string): RebuildFacts | undefined {
  const facts = join(folder, 'facts.json');
  rmSync(facts, { force: true });
  const args = [program, data, facts, JSON.stringify(request), ...(deadly === undefined ? [] : [deadly])];
  const { signal, status, stderr } = spawnSync(process.execPath, args, { timeout: 150_000, encoding: 'utf8' });
  if (existsSync(facts)) return JSON.parse(readFileSync(facts, 'utf8')) as RebuildFacts;
  if (signal === 'SIGKILL' && deadly !== undefined) return undefined;
  throw new Error(`the process ended with ${signal ?? status}: ${stderr}`);
}

function copyOf(name: string): string {
  const to = join(folder, name);
  rmSync(to, { recursive: true, force: true });
  cpSync(base, to, { recursive: true, preserveTimestamps: true });
  return to;
}
