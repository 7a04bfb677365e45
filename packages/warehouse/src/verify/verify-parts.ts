import { literal } from '../literal.ts';
import { WarehouseError, type Warehouse } from '../warehouse.ts';
import { misfitIn } from './block-headers.ts';
import { SETTLE_MS, type Checkpoint } from './checkpoint.ts';
import { moveAside } from './move-aside.ts';
import { covers, parsePartName } from './part-name.ts';
import { partSum, sumKey } from './part-sums.ts';
import type { PartsOnDisk } from './keep-replaced.ts';
import { activeParts, detachedParts, foldersOfTables, type Part } from './parts.ts';

interface BrokenPart {
  table: string;
  part: string;
  reason: string;
}

export interface Verification {
  /** Parts that were read in full, and their bytes on disk. */
  checked: number;
  checkedBytes: number;
  /** Taken out of their tables, by us or by the engine when it loaded them. They lie in `detached/`. */
  broken: BrokenPart[];
  /** Parts that the checkpoint names and that are in no part of today: they are gone, with rows of any age. */
  vanished: { table: string; part: string }[];
}

/** ClickHouse's numbers for what is not the part's fault: timeout, memory. */
const NOT_THE_PARTS_FAULT = [159, 160, 241];

/**
 * Reads every part in full that `checkpoint` does not vouch for (all where there is none, none after a clean stop) against
 * its checksums, and takes the broken ones out. What a broken one was merged from comes back if it is still there, and is read too.
 * Measured (chDB 26.7, 2 cores): 0.7 to 1.5 GB of disk a second. To be called before anything is written.
 * `onDisk`: as listed before the engine was opened; without it nothing is said of parts that vanished.
 */
export async function verifyParts(
  warehouse: Warehouse,
  checkpoint: Checkpoint | undefined,
  onDisk?: PartsOnDisk,
  progress: (checkedBytes: number, allBytes: number) => void = () => {},
): Promise<Verification> {
  const tables = [...(await foldersOfTables(warehouse)).keys()];
  for (const table of tables) await warehouse.command(`SYSTEM STOP MERGES ${table}`);
  const broken: BrokenPart[] = await brokenAtLoad(warehouse, checkpoint, []);
  const changed = await changedParts(warehouse, checkpoint);
  const whole = new Set<string>();
  let checkedBytes = 0;
  for (;;) {
    const suspects = (await activeParts(warehouse)).filter((part) => !whole.has(sumKey(part)) && (changed.has(sumKey(part)) || !vouchedFor(part, checkpoint)));
    if (suspects.length === 0) break;
    const allBytes = checkedBytes + suspects.reduce((sum, { bytes }) => sum + bytes, 0);
    const found = new Map<string, Part[]>();
    for (const part of suspects) {
      const reason = await faultOf(warehouse, part);
      checkedBytes += part.bytes;
      whole.add(sumKey(part));
      progress(checkedBytes, allBytes);
      if (reason === undefined) continue;
      broken.push({ table: part.table, part: part.name, reason });
      found.set(part.table, [...(found.get(part.table) ?? []), part]);
    }
    for (const [table, parts] of found) {
      await moveAside(warehouse, table, parts);
      await warehouse.command(`SYSTEM STOP MERGES ${table}`);
    }
    // What the broken ones were merged from was loaded just now.
    if (found.size > 0) broken.push(...(await brokenAtLoad(warehouse, checkpoint, broken)));
  }
  const vanished = onDisk === undefined ? [] : await vanishedParts(warehouse, checkpoint, onDisk, broken);
  for (const table of tables) await warehouse.command(`SYSTEM START MERGES ${table}`);
  return { checked: whole.size, checkedBytes, broken, vanished };
}

/**
 * Parts that `checkpoint` names and that are in no part which was there before the engine began to merge and is not broken.
 */
async function vanishedParts(
  warehouse: Warehouse,
  checkpoint: Checkpoint | undefined,
  onDisk: PartsOnDisk,
  broken: readonly BrokenPart[],
): Promise<Verification['vanished']> {
  const folders = await foldersOfTables(warehouse);
  return Object.entries(checkpoint?.parts ?? {}).flatMap(([table, names]) => {
    const lost = new Set(broken.filter((part) => part.table === table).map(({ part }) => part));
    const found = (onDisk.get(folders.get(table) ?? '') ?? []).filter((name) => !lost.has(name)).map((name) => parsePartName(name)!);
    return names.filter((name) => !found.some((outer) => covers(outer, parsePartName(name)!))).map((part) => ({ table, part }));
  });
}

/** Parts whose files are not those that the checkpoint saw, however old they are and however the engine was stopped. */
async function changedParts(warehouse: Warehouse, checkpoint: Checkpoint | undefined): Promise<ReadonlySet<string>> {
  const changed = new Set<string>();
  for (const part of await activeParts(warehouse)) {
    const known = checkpoint?.sums?.[sumKey(part)];
    if (known !== undefined && known !== (await partSum(part))) changed.add(sumKey(part));
  }
  return changed;
}

function vouchedFor({ table, name, modifiedAtMs }: Part, checkpoint: Checkpoint | undefined): boolean {
  if (checkpoint?.clean === true) return true;
  if (checkpoint === undefined || modifiedAtMs > checkpoint.writtenAtMs - SETTLE_MS) return false;
  return checkpoint.parts[table]?.includes(name) ?? false;
}

/** Why a part is broken, mostly in ClickHouse's words; undefined when it is whole. */
async function faultOf(warehouse: Warehouse, { table, name, path }: Part): Promise<string | undefined> {
  const misfit = await misfitIn(path);
  if (misfit !== undefined) return `${misfit}: a block that is larger than what is left of the file, or none`;
  try {
    const { rows } = await warehouse.query<{ is_passed: number; message: string }>(
      `CHECK TABLE ${table} PART ${literal(name)} SETTINGS check_query_single_value_result = 0`,
    );
    const failed = rows.find(({ is_passed }) => is_passed !== 1);
    return failed === undefined ? undefined : firstLine(failed.message);
  } catch (error) {
    if (!(error instanceof WarehouseError) || NOT_THE_PARTS_FAULT.includes(error.number)) throw error;
    return firstLine(error.message);
  }
}

/** Parts that the engine itself found broken when it loaded them, and went on without; but for those in `known`. */
async function brokenAtLoad(warehouse: Warehouse, checkpoint: Checkpoint | undefined, known: readonly BrokenPart[]): Promise<BrokenPart[]> {
  return (await detachedParts(warehouse))
    .filter(({ table, name }) => name.startsWith('broken') && !(checkpoint?.detached[table]?.includes(name) ?? false))
    .map(({ table, name }) => ({ table, part: name.slice(name.indexOf('_') + 1).replace(/_try\d+$/, ''), reason: 'the engine could not load it' }))
    .filter(({ table, part }) => !known.some((other) => other.table === table && other.part === part));
}

function firstLine(message: string): string {
  return (message.trim().split('\n')[0] ?? '').slice(0, 300);
}
