/** Stores that are made once a run, and with TIDEMARK_BENCH_KEEP=1 once for a few days. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchFolder } from '../../options.ts';
import { newFolder } from '../../server/temporary.ts';
import type { VisitsPlan } from './visits.ts';

export interface QuestionStore {
  /** To be copied, not opened. */
  dataPath: string;
  plan: VisitsPlan;
}

const DAY_MS = 86_400_000;
/** The dashboard's ranges are the last days before now: a kept store that ended long ago has nothing to show there. */
const KEPT_DAYS = 3;

const made = new Map<string, Promise<QuestionStore>>();

/** The store of this name, which has to tell all that it was made of; `make` fills a folder that is not there yet. */
export function keptStore(name: string, make: (dataPath: string) => Promise<VisitsPlan>): Promise<QuestionStore> {
  let store = made.get(name);
  if (store === undefined) made.set(name, (store = findOrMake(name, make)));
  return store;
}

async function findOrMake(name: string, make: (dataPath: string) => Promise<VisitsPlan>): Promise<QuestionStore> {
  const kept = process.env['TIDEMARK_BENCH_KEEP'] === '1' ? join(benchFolder(), `tidemark-bench-questions-${name}`) : undefined;
  const found = kept === undefined ? undefined : readKept(kept);
  if (found !== undefined) return found;
  const dataPath = join(newFolder({ forWholeRun: true }), 'data');
  const plan = await make(dataPath);
  writeFileSync(planFile(dataPath), JSON.stringify(plan));
  if (kept === undefined) return { dataPath, plan };
  renameSync(dataPath, kept);
  return { dataPath: kept, plan };
}

function readKept(dataPath: string): QuestionStore | undefined {
  if (!existsSync(planFile(dataPath))) return undefined;
  const plan = JSON.parse(readFileSync(planFile(dataPath), 'utf8')) as VisitsPlan;
  return Date.now() - plan.endMs < KEPT_DAYS * DAY_MS ? { dataPath, plan } : undefined;
}

function planFile(dataPath: string): string {
  return join(dataPath, 'bench-store.json');
}
