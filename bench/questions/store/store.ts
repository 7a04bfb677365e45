/** A data folder with millions of events of a shop at rest: tables filled, rollups made by the job itself. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { benchFolder } from '../../options.ts';
import { copyLinked } from '../../prepare/linked-copy.ts';
import { haveDone } from '../../server/program.ts';
import { Server } from '../../server/server.ts';
import { newFolder, removeFolder } from '../../server/temporary.ts';
import type { FillOrder } from './fill.ts';
import { stagedVisits, type VisitsPlan } from './visits.ts';

const DAYS = 90;
const SEED = 5;
const DAY_MS = 86_400_000;
/** The dashboard's ranges are the last days before now: a kept store that ended long ago has nothing to show there. */
const KEPT_DAYS = 3;
/** The property by which rollups are kept besides the fixed dimensions. */
const ROLLED_UP = 'properties.category';

export interface QuestionStore {
  /** To be copied, not opened. */
  dataPath: string;
  plan: VisitsPlan;
}

const made = new Map<number, Promise<QuestionStore>>();

/** Made once a run for each number of events, kept for later runs with TIDEMARK_BENCH_KEEP=1. */
export function questionStore(events: number): Promise<QuestionStore> {
  let store = made.get(events);
  if (store === undefined) made.set(events, (store = prepare(events)));
  return store;
}

/** A folder of its own with the same data, whose large files are links. `removeCopy` removes it. */
export function copyOf({ dataPath }: QuestionStore): string {
  const copy = join(newFolder(), 'data');
  copyLinked(dataPath, copy);
  return copy;
}

export function removeCopy(dataPath: string): void {
  removeFolder(join(dataPath, '..'));
}

async function prepare(events: number): Promise<QuestionStore> {
  const kept = process.env['TIDEMARK_BENCH_KEEP'] === '1' ? keptPath(events) : undefined;
  const found = kept === undefined ? undefined : readKept(kept);
  if (found !== undefined) return found;
  const startedAt = performance.now();
  const dataPath = join(newFolder({ forWholeRun: true }), 'data');
  const project = await firstStart(dataPath);
  const plan: VisitsPlan = { project, endMs: Math.floor(Date.now() / DAY_MS) * DAY_MS, events, days: DAYS, seed: SEED };
  await haveDone<FillOrder>('fill-process', { warehousePath: join(dataPath, 'warehouse'), plan });
  const filledAt = performance.now();
  await rollUp(dataPath);
  const seconds = (fromMs: number, toMs: number): string => ((toMs - fromMs) / 1000).toFixed(0);
  console.error(`       ${events.toLocaleString('en')} events made in ${seconds(startedAt, filledAt)} s, rolled up in ${seconds(filledAt, performance.now())} s`);
  writeFileSync(planFile(dataPath), JSON.stringify(plan));
  if (kept === undefined) return { dataPath, plan };
  renameSync(dataPath, kept);
  return { dataPath: kept, plan };
}

/** Makes everything that a data folder has; names the property of the rollups. Resolves to the project. */
async function firstStart(dataPath: string): Promise<string> {
  const server = await Server.start({ dataPath });
  const { current } = await server.api.ask<{ current: string }>('/api/projects');
  await server.api.ask(`/api/projects/${current}/settings`, { rollups: { properties: [ROLLED_UP] } }, 'PUT');
  await server.stop();
  return current;
}

/**
 * Has the job `rollups` make what it would have made as the events came. Twice started: hours and days are made in the first
 * round after a start, when all quarters may not be there yet.
 */
async function rollUp(dataPath: string): Promise<void> {
  for (let start = 0; start < 2; start++) {
    const server = await Server.start({ dataPath });
    for (let dirty = 1, rounds = 0; dirty > 0; rounds++) {
      if (rounds === 30) throw new Error(`after ${rounds} rounds of the job rollups ${dirty} quarters of an hour are still dirty`);
      await server.api.ask('/api/jobs/rollups/run', {});
      while (await isRunning(server)) await sleep(200);
      dirty = await server.api.dirtyBuckets();
    }
    await server.stop();
  }
}

async function isRunning(server: Server): Promise<boolean> {
  const { jobs } = await server.api.ask<{ jobs: { name: string; running: boolean; lastError: string | null }[] }>('/api/jobs');
  const job = jobs.find(({ name }) => name === 'rollups');
  if (job?.lastError) throw new Error(`the job rollups failed: ${job.lastError}`);
  return job?.running === true;
}

function keptPath(events: number): string {
  return join(benchFolder(), `tidemark-bench-questions-${events}-${fingerprint(events)}`);
}

function readKept(dataPath: string): QuestionStore | undefined {
  if (!existsSync(planFile(dataPath))) return undefined;
  const plan = JSON.parse(readFileSync(planFile(dataPath), 'utf8')) as VisitsPlan;
  return Date.now() - plan.endMs < KEPT_DAYS * DAY_MS ? { dataPath, plan } : undefined;
}

function planFile(dataPath: string): string {
  return join(dataPath, 'bench-store.json');
}

/** A kept folder is of no use to other events; older tables are brought up to date by the start, as everybody's are. */
function fingerprint(events: number): string {
  const sql = stagedVisits({ project: '', endMs: 0, events, days: DAYS, seed: SEED }, 0, 1);
  return createHash('sha256').update(sql).digest('hex').slice(0, 8);
}
