/**
 * Snapshots of the stores of a running engine, in `<data>/backups`: everything but the log, as it was between two ranges
 * of the processor. Files that never change are hard links, so that it takes no room and the engine is held up for as
 * long as linking takes. `tidemark backup` copies a snapshot out, adds the log, and has the snapshot removed.
 *
 * The log comes last, so it reaches at least as far as the stores' positions: what it holds beyond them is processed after
 * a restore.
 */
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Control } from '@tidemark/control';
import type { Lake } from '@tidemark/lake';
import { LmdbPositions, type Positions } from '@tidemark/log';
import type { Warehouse } from '@tidemark/warehouse';
import { dataFolders } from '../data-folder.ts';
import { linkLake } from './link-lake.ts';
import { linkWarehouse } from './link-warehouse.ts';

export interface SnapshotParts {
  /** Absolute. */
  dataPath: string;
  warehouse: Warehouse;
  lake: Lake;
  positions: Positions;
  control: Control;
  /** Runs it while no job and no range of the processor changes a store. */
  betweenChanges: <Result>(work: () => Promise<Result>) => Promise<Result>;
  nowMs: () => number;
}

export interface Snapshot {
  /** Name of its folder in `<data>/backups`. */
  id: string;
  takenAtMs: number;
  /** How long the stores were held. */
  heldMs: number;
}

export class Snapshots {
  readonly #parts: SnapshotParts;
  readonly #folder: string;
  #taking: Promise<unknown> | undefined;

  /** Removes what was left behind when the engine or a command was killed. */
  static async open(parts: SnapshotParts): Promise<Snapshots> {
    const snapshots = new Snapshots(parts);
    await snapshots.#removeAll();
    return snapshots;
  }

  private constructor(parts: SnapshotParts) {
    this.#parts = parts;
    this.#folder = join(parts.dataPath, 'backups');
  }

  /** Takes one, in the place of any other. Undefined while another is being taken. */
  async take(): Promise<Snapshot | undefined> {
    if (this.#taking !== undefined) return undefined;
    const taking = this.#take();
    this.#taking = taking;
    try {
      return await taking;
    } finally {
      this.#taking = undefined;
    }
  }

  /** False when there is none of this name. */
  async remove(id: string): Promise<boolean> {
    const names = await readdir(this.#folder).catch(noneIfMissing);
    if (!names.includes(id)) return false;
    await rm(join(this.#folder, id), { recursive: true, force: true });
    return true;
  }

  async #take(): Promise<Snapshot> {
    const { betweenChanges, nowMs } = this.#parts;
    await this.#removeAll();
    const takenAtMs = nowMs();
    const id = new Date(takenAtMs).toISOString().replaceAll(/[:.]/g, '-');
    const folder = join(this.#folder, id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      const heldMs = await betweenChanges(async () => {
        const heldSince = performance.now();
        await this.#link(folder);
        return performance.now() - heldSince;
      });
      return { id, takenAtMs, heldMs };
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async #link(folder: string): Promise<void> {
    const { dataPath, warehouse, lake, positions, control } = this.#parts;
    const [from, to] = [dataFolders(dataPath), dataFolders(folder)];
    await linkWarehouse(warehouse, from.warehouse, to.warehouse);
    await linkLake(lake, to.lake);
    await copyPositions(positions, to.positions);
    await control.copyTo(join(to.control, 'control.db'));
    await copyFile(join(dataPath, 'format.json'), join(folder, 'format.json'));
  }

  async #removeAll(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function copyPositions(positions: Positions, path: string): Promise<void> {
  const copy = new LmdbPositions(path);
  try {
    for (const topic of ['events', 'quarantine'] as const) {
      const position = positions.get(topic, 0);
      if (position !== undefined) await copy.set(topic, 0, position);
    }
  } finally {
    await copy.close();
    await rm(join(path, 'lock.mdb'), { force: true });
  }
}

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
