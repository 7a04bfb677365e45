/**
 * What the process of a query is given: a folder of files that hold the project's rows and no other's. Files of the
 * lake that hold nobody else's are linked, not copied; of the others the project's rows are.
 */
import { linkSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { literal } from '../literal.ts';
import type { StatementBounds, Warehouse } from '../warehouse.ts';
import type { Extent } from './order.ts';

/** Files that only ever appear whole, under names that are never used again, on the file system of the queries' folders. */
export interface FileLake {
  folder: string;
  /** Those that count now. */
  manifest: { files: Iterable<{ path: string; rows: number; fromMs: number; toMs: number }> };
}

/** Statements end at 256 KB. */
const FILES_A_STATEMENT = 200;

export class HandOver {
  readonly #lake: FileLake;
  readonly #warehouse: Warehouse;
  /** Path of a lake's file -> the projects whose rows it holds. */
  #projects = new Map<string, readonly string[]>();

  constructor(lake: FileLake, warehouse: Warehouse) {
    this.#lake = lake;
    this.#warehouse = warehouse;
  }

  /** Where the project's events lie in time. Throws WarehouseError. */
  async extentsOf(project: string): Promise<Extent[]> {
    await this.#look();
    return this.#filesOf(project).map(({ fromMs, toMs, rows }) => ({ fromMs, toMs, rows }));
  }

  /** Puts the project's events of now into the folder `to`. Files with others' rows lie in `aside` meanwhile. Throws WarehouseError. */
  async giveEvents(project: string, { to, aside }: { to: string; aside: string }): Promise<void> {
    mkdirSync(to, { recursive: true });
    await this.#look();
    const mixed: { from: string; to: string }[] = [];
    // Without a pause between the manifest and the links: what it names is there, and a link outlives what compaction deletes.
    for (const [i, { path }] of this.#filesOf(project).entries()) {
      const isOwn = this.#projects.get(path)?.length === 1;
      const own = join(to, `${i}.parquet`);
      const from = isOwn ? own : join(aside, `${i}.parquet`);
      linkSync(join(this.#lake.folder, path), from);
      if (!isOwn) mixed.push({ from, to: own });
    }
    for (const file of mixed) {
      await this.#write(file.to, 'Parquet', `SELECT * FROM file(${literal(file.from)}, 'Parquet') WHERE project = ${literal(project)}`);
      await rm(file.from);
    }
  }

  /** Puts the rows of a SELECT into the folder `to`. Throws WarehouseError. */
  async giveTable(select: string, to: string, bounds?: StatementBounds): Promise<void> {
    mkdirSync(to, { recursive: true });
    await this.#write(join(to, '0.native'), 'Native', select, bounds);
  }

  async #write(file: string, format: 'Parquet' | 'Native', select: string, bounds?: StatementBounds): Promise<void> {
    await this.#warehouse.command(
      // Those at the end are the bounds'.
      `INSERT INTO FUNCTION file(${literal(file)}, ${literal(format)}) SETTINGS output_format_parquet_compression_method = 'lz4', use_hive_partitioning = 0, max_threads = 1 ${select}`,
      bounds,
    );
  }

  #filesOf(project: string): { path: string; rows: number; fromMs: number; toMs: number }[] {
    return [...this.#lake.manifest.files].filter(({ path, rows }) => rows > 0 && (this.#projects.get(path)?.includes(project) ?? true));
  }

  /** Whose rows are in the files that came since. Of one that comes meanwhile it is not known, and it is taken for a mixed one. */
  async #look(): Promise<void> {
    const paths = [...this.#lake.manifest.files].filter(({ rows }) => rows > 0).map(({ path }) => path);
    this.#projects = new Map([...this.#projects].filter(([path]) => paths.includes(path)));
    const unknown = paths.filter((path) => !this.#projects.has(path));
    for (let at = 0; at < unknown.length; at += FILES_A_STATEMENT) {
      const some = unknown.slice(at, at + FILES_A_STATEMENT);
      const each = some.map((path, i) => `SELECT toUInt32(${i}) AS i, project FROM file(${literal(join(this.#lake.folder, path))}, 'Parquet')`);
      const { rows } = await this.#warehouse.query<{ i: number; projects: string[] }>(
        `SELECT i, groupUniqArray(toString(project)) AS projects FROM (${each.join(' UNION ALL ')}) GROUP BY i SETTINGS use_hive_partitioning = 0, max_threads = 1`,
      );
      for (const { i, projects } of rows) this.#projects.set(some[i]!, projects);
    }
  }
}
