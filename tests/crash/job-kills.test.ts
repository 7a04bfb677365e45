/**
 * Retention, compaction of the lake, quarantine and id expiry, killed (SIGKILL, by themselves) before and after every
 * statement, every change of the lake's manifest and the note of each round's end. Started again, perhaps killed again, they
 * must end with the very contents of a run that was never killed: what is too old is gone from each store, all else is
 * there once. CI takes a sample; `TIDEMARK_JOB_KILLS=all` takes every step, a number so many, a name that one;
 * `TIDEMARK_SEED=…` does the same again.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobFacts } from './job-kills/jobs-process.ts';
import { seededRandom } from './ledger.ts';
import { deadlySteps, MortalProgram } from './mortal-program.ts';

const KILLS = process.env['TIDEMARK_JOB_KILLS'] ?? '3';
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
const random = seededRandom(SEED);

const folder = mkdtempSync(join(tmpdir(), 'tidemark-job-kills-'));
const base = join(folder, 'base');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let program: MortalProgram<JobFacts>;
let expected: JobFacts;
beforeAll(async () => {
  program = await MortalProgram.bundle(new URL('job-kills/jobs-process.ts', import.meta.url), folder);
  const prepared = spawnSync(process.execPath, [program.path, base, 'prepare'], { timeout: 150_000, encoding: 'utf8' });
  expect(prepared.status, prepared.stderr).toBe(0);
  expected = program.run(program.copyOf(base, 'whole'))!;
});

it('undisturbed, they leave what is young, and of the project that keeps everything all', () => {
  expect(expected.errors).toEqual([]);
  const days = (store: string) => expected.stores[store]!.map((row) => /"event_id":"(\w+-\d+)"/.exec(row)![1]!).toSorted();
  const left = [...[5, 10, 25, 29].map((age) => `cut-${age}`), ...[5, 10, 25, 29, 31, 35, 50, 80].map((age) => `kept-${age}`)].toSorted();
  for (const store of ['events', 'timeline', 'lake']) expect(days(store), store).toEqual(left);
  expect(expected.stores['quarantine']).toHaveLength(left.length);
  // Counts and the ids of what was received yesterday stay; the two old ids are gone.
  expect(expected.stores['outcomes']!.map((row) => Number((JSON.parse(row) as { events: number }).events)).reduce((sum, events) => sum + events)).toBe(32);
  expect(expected.stores['event_ids']).toHaveLength(16);
});

it(`killed at ${KILLS} steps, they end with what they end with undisturbed (seed ${SEED})`, () => {
  expect(expected.steps.length).toBeGreaterThan(30);
  for (const { facts, told: deaths } of program.deaths(base, deadlySteps(KILLS, expected.steps, random), expected.steps, random)) {
    const told = `${deaths}, seed ${SEED}`;
    expect(facts?.errors, told).toEqual([]);
    for (const [store, rows] of Object.entries(expected.stores)) expect(facts?.stores[store], `${store}: ${told}`).toEqual(rows);
  }
}, KILLS === 'all' ? 3_600_000 : 180_000 + (Number(KILLS) || 1) * 30_000);
