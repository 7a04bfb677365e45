/**
 * A round of the job `rollups` over late events, a property that the project named since, hours and days, and what is frozen as
 * its events expire, killed (SIGKILL, by itself) before and after every statement. Started again, perhaps killed again, it must
 * end with the very rollups of a round that was never killed, and with the events' own counts. CI takes a sample;
 * `TIDEMARK_ROLLUP_KILLS=all` takes every step, a number so many, a name that one; `TIDEMARK_SEED=…` does the same again.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { RollupFacts } from './job-kills/rollups-process.ts';
import { seededRandom } from './ledger.ts';
import { deadlySteps, MortalProgram } from './mortal-program.ts';

const KILLS = process.env['TIDEMARK_ROLLUP_KILLS'] ?? '2';
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
const random = seededRandom(SEED);

const folder = mkdtempSync(join(tmpdir(), 'tidemark-rollup-kills-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it(`killed at ${KILLS} steps, they end as undisturbed (seed ${SEED})`, async () => {
  const base = join(folder, 'base');
  const program = await MortalProgram.bundle<RollupFacts>(new URL('job-kills/rollups-process.ts', import.meta.url), folder);
  const prepared = spawnSync(process.execPath, [program.path, base, 'prepare'], { timeout: 150_000, encoding: 'utf8' });
  expect(prepared.status, prepared.stderr).toBe(0);
  const expected = program.run(program.copyOf(base, 'whole'))!;
  expect(expected.totals.map(([rollups]) => rollups)).toEqual(expected.totals.map(([, events]) => events));
  expect(expected.rows.filter((row) => row.includes('"width":86400')).length, 'rows of days').toBeGreaterThan(0);
  expect(expected.rows.some((row) => !row.endsWith('"sketched":0}')), 'a sketch').toBe(true);
  expect(expected.steps.length).toBeGreaterThan(30);
  for (const { facts, told: deaths } of program.deaths(base, deadlySteps(KILLS, expected.steps, random), expected.steps, random)) {
    const told = `${deaths}, seed ${SEED}`;
    expect(facts?.totals, told).toEqual(expected.totals);
    expect(facts?.rows, told).toEqual(expected.rows);
  }
}, KILLS === 'all' ? 3_600_000 : 180_000 + (Number(KILLS) || 1) * 30_000);
