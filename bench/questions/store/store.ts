/** A data folder with millions of events of a shop at rest: tables filled, rollups made by the job itself. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { copyLinked } from '../../prepare/linked-copy.ts';
import { haveDone } from '../../server/program.ts';
import { Server } from '../../server/server.ts';
import { newFolder, removeFolder } from '../../server/temporary.ts';
import type { FillOrder } from './fill.ts';
import { keptStore, type QuestionStore } from './kept.ts';
import { writeDay, type LakeOrder } from './lake-of-store.ts';
import { stagedVisits, type VisitsPlan } from './visits.ts';

const DAYS = 90;
const SEED = 5;
const DAY_MS = 86_400_000;
/** The property by which rollups are kept besides the fixed dimensions. */
const ROLLED_UP = 'properties.category';

/** Made once a run for each number of events, kept for later runs with TIDEMARK_BENCH_KEEP=1. */
export function questionStore(events: number): Promise<QuestionStore> {
  return keptStore(`${events}-${fingerprint(events)}`, (dataPath) => makeTables(dataPath, events));
}

/** The same with its lake, which SQL questions read. Its tables are links to the store's. */
export function storeWithLake(events: number): Promise<QuestionStore> {
  return keptStore(`${events}-${fingerprint(events)}-lake-${lakeFingerprint(events)}`, async (dataPath) => {
    const { dataPath: tables, plan } = await questionStore(events);
    copyLinked(tables, dataPath);
    const startedAt = performance.now();
    await haveDone<LakeOrder>('lake-process', { dataPath, plan });
    console.error(`       the lake of ${events.toLocaleString('en')} events made in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
    return plan;
  });
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

async function makeTables(dataPath: string, events: number): Promise<VisitsPlan> {
  const startedAt = performance.now();
  const project = await firstStart(dataPath);
  const plan = planOf(project, events, Math.floor(Date.now() / DAY_MS) * DAY_MS);
  await haveDone<FillOrder>('fill-process', { warehousePath: join(dataPath, 'warehouse'), plan });
  const filledAt = performance.now();
  await rollUp(dataPath);
  const seconds = (fromMs: number, toMs: number): string => ((toMs - fromMs) / 1000).toFixed(0);
  console.error(`       ${events.toLocaleString('en')} events made in ${seconds(startedAt, filledAt)} s, rolled up in ${seconds(filledAt, performance.now())} s`);
  return plan;
}

function planOf(project: string, events: number, endMs: number): VisitsPlan {
  return { project, endMs, events, days: DAYS, seed: SEED };
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

/** A kept folder is of no use to other events; older tables are brought up to date by the start, as everybody's are. */
function fingerprint(events: number): string {
  return shortHash(stagedVisits(planOf('', events, 0), 0, 1));
}

function lakeFingerprint(events: number): string {
  return shortHash(writeDay('', planOf('', events, 0), 0));
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
