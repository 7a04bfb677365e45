/**
 * The power goes while the log is written: what was acknowledged is there byte for byte, nothing else is, and the
 * processor's position is what it was told. One run is journalled by the file layer and cut at many moments; at each of
 * them the disk has kept what was synced, and of the rest what the seed says, by the least that POSIX promises and by what
 * ext4 does. `TIDEMARK_POWER_RUNS=1000` cuts more often, `TIDEMARK_SEED=…` does the same again.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleProgram } from '@tidemark/warehouse/testing';
import type { DiskModel } from './file-layer/disk.ts';
import { compileFileLayer, fileLayerEnv } from './file-layer/layer.ts';
import type { Cut } from './power-loss/log-cuts.ts';

const RUNS = Number(process.env['TIDEMARK_POWER_RUNS'] ?? 40);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
const APPENDS = 300;

const layer = compileFileLayer();
if ('unavailable' in layer) console.warn(`SKIPPED: power loss under the log: ${layer.unavailable}`);
const folder = mkdtempSync(join(tmpdir(), 'tidemark-power-log-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let programs: { load: string; cuts: string };
beforeAll(async () => {
  programs = {
    load: await bundleProgram(new URL('power-loss/log-process.ts', import.meta.url)),
    cuts: await bundleProgram(new URL('power-loss/log-cuts.ts', import.meta.url)),
  };
});

function run(program: string, args: readonly string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [program, ...args], { env: { ...process.env, ...env }, encoding: 'utf8', maxBuffer: 1 << 28 });
}

/** Runs the load over the file layer; the arguments by which log-cuts.ts finds what came of it. */
function journalled(name: string, env: Record<string, string> = {}): string[] {
  if ('unavailable' in layer) throw new Error(layer.unavailable);
  const root = join(folder, name);
  const journal = join(folder, `${name}.journal`);
  const notes = join(folder, `${name}.notes`);
  mkdirSync(root);
  const load = run(programs.load, [root, String(SEED), String(APPENDS)], { ...fileLayerEnv(layer, { root, journal }), ...env });
  if (load.status !== 0) throw new Error(`the load failed:\n${load.stderr}`);
  writeFileSync(notes, load.stdout);
  return [root, journal, notes];
}

/** What is wrong with `runs` disks of a journal. */
function problemsOf(journal: readonly string[], model: DiskModel, runs: number): string[] {
  const { stdout, stderr, status, signal } = run(programs.cuts, [...journal, model, String(runs), String(SEED), folder]);
  const cuts = stdout.trim().split('\n').map((line) => JSON.parse(line) as Cut);
  const problems = cuts.flatMap(({ at, seed, problems: found = [] }) => found.map((problem) => `${model} disk at ${at}, seed ${seed}: ${problem}`));
  const last = cuts.at(-1)!;
  if (status !== 0) problems.push(`${model} disk at ${last.at}, seed ${last.seed}: its reader ended by ${signal ?? status}; ${stderr}`);
  else if (cuts.length !== 2 * runs) throw new Error(`${cuts.length} lines of ${runs} disks`);
  return problems;
}

it.skipIf('unavailable' in layer)(`power loss: ${RUNS} disks hold every acknowledged record and nothing else (seed ${SEED})`, () => {
  const journal = journalled('run');
  expect(problemsOf(journal, 'ordered', Math.ceil(RUNS / 2))).toEqual([]);
  expect(problemsOf(journal, 'posix', Math.ceil(RUNS / 2))).toEqual([]);
}, 180_000 + RUNS * 200);

it.skipIf('unavailable' in layer)(`power loss: a log that is not synced is found out (seed ${SEED})`, () => {
  const journal = journalled('careless', { TIDEMARK_PLANT: 'no-sync' });
  expect(problemsOf(journal, 'ordered', 20)).not.toEqual([]);
});
