import { dirname, join } from 'node:path';
import type { Warehouse } from '../warehouse.ts';
import { writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { partSums } from './part-sums.ts';
import { activeParts, byTable, detachedParts } from './parts.ts';
import { readDefinitions, type Definitions } from './table-definitions.ts';

/**
 * Writes down what the tables consist of. `committed` is asked before the parts are listed, so that every row before
 * those offsets is in one of them. `path`: in the warehouse's folder.
 */
export async function takeCheckpoint(
  path: string,
  warehouse: Warehouse,
  committed: () => Checkpoint['committed'],
  options: { clean: boolean; nowMs: number },
): Promise<Checkpoint> {
  const checkpoint = await describe(path, warehouse, committed, options);
  await writeCheckpoint(path, checkpoint);
  return checkpoint;
}

/** The same without writing it: a clean one is written when the engine is closed. */
export async function describe(
  path: string,
  warehouse: Warehouse,
  committed: () => Checkpoint['committed'],
  { clean, nowMs }: { clean: boolean; nowMs: number },
): Promise<Checkpoint> {
  const before = committed();
  const active = await activeParts(warehouse);
  const sums = await partSums(active, takenSums.get(warehouse) ?? new Map());
  takenSums.set(warehouse, sums);
  const definitions = await readDefinitions(join(dirname(path), 'data'), readTexts.get(warehouse));
  readTexts.set(warehouse, definitions);
  const detached = byTable(await detachedParts(warehouse));
  return { clean, writtenAtMs: nowMs, committed: before, parts: byTable(active), sums: Object.fromEntries(sums), definitions, detached };
}

/** To be called when tables have changed places: a part of the one may have the name that a part of the other had. */
export function forgetPartSums(warehouse: Warehouse): void {
  takenSums.delete(warehouse);
}

/** A part's sum is that of the first time it was seen: later ones could be those of damage. */
const takenSums = new WeakMap<Warehouse, Map<string, string>>();
const readTexts = new WeakMap<Warehouse, Definitions>();
