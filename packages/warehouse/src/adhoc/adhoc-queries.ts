/** Runs SELECTs that somebody wrote, each in a process of its own (docs/decisions/012). */
import { randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Warehouse } from '../warehouse.ts';
import { canConfine, confined, unconfined } from './confine.ts';
import { HandOver, type FileLake } from './hand-over.ts';
import type { AdhocBounds, AdhocTable, AdhocView, Column, ResultFormat } from './order.ts';
import { QueryRun } from './query-run.ts';
import { AdhocBusy, AdhocRefusal } from './refusal.ts';
import type { Json } from './values.ts';

export interface AdhocRelations {
  /** The table that the lake's files make. */
  events: AdhocTable;
  /** Other tables, each with the SELECT over the warehouse that makes it. */
  others: readonly (AdhocTable & { select: string })[];
  /** What a query may name. `reads`: the tables behind it; `persons`: those behind its column person_id. */
  views: readonly (AdhocView & { reads: readonly string[]; persons: readonly string[] })[];
}

export interface AdhocRequest {
  project: string;
  /** One SELECT over the views; its parameters are put in already. */
  query: string;
  relations: AdhocRelations;
  /** By which it may be cancelled. */
  queryId?: string;
  /** Aborted when nobody waits any more. */
  signal?: AbortSignal;
}

export interface AdhocAnswer {
  columns: Column[];
  rows: Json[][];
  rowsRead: number;
}

export interface AdhocLimits extends AdhocBounds {
  /** Of a project. */
  atOnce: number;
  /** Of a file. */
  fileBytes: number;
  fileTimeoutMs: number;
}

export interface AdhocParts {
  /** The program whose main is `runQueryProcess`. */
  program: string;
  /** For a folder a query, emptied at the start; on the file system of the lake. */
  folder: string;
  lake: FileLake;
  warehouse: Warehouse;
  limits?: Partial<AdhocLimits>;
  /** False: the processes are plain ones, even where the machine lets us make others. */
  confine?: boolean;
}

const DEFAULTS: AdhocLimits = {
  timeoutMs: 30_000,
  memoryBytes: 1_000_000_000,
  rowsToRead: 200_000_000,
  rows: 10_000,
  bytes: 16 << 20,
  atOnce: 2,
  fileBytes: 1 << 30,
  fileTimeoutMs: 300_000,
};

interface Running {
  project: string;
  queryId: string | undefined;
  /** Absent while it is being started. */
  run?: QueryRun;
  cancelled?: AdhocRefusal;
}

export class AdhocQueries {
  /** The processes see nothing of the machine but their own folder. */
  readonly isConfined: boolean;
  readonly #parts: AdhocParts;
  readonly #limits: AdhocLimits;
  readonly #handOver: HandOver;
  readonly #running = new Set<Running>();

  constructor(parts: AdhocParts) {
    this.#parts = parts;
    this.#limits = { ...DEFAULTS, ...parts.limits };
    this.isConfined = parts.confine !== false && canConfine();
    this.#handOver = new HandOver(parts.lake, parts.warehouse);
    rmSync(parts.folder, { recursive: true, force: true });
    mkdirSync(parts.folder, { recursive: true, mode: 0o700 });
  }

  /** Throws AdhocRefusal, AdhocBusy, WarehouseError. */
  async ask(request: AdhocRequest): Promise<AdhocAnswer> {
    for await (const { run } of this.#runs(request, 'json')) {
      const message = await run.next();
      if (message.type === 'answer') return message;
    }
    throw new Error('the process of a query ended without an answer');
  }

  /** How many rows it would read; runs nothing. Throws as `ask` does. */
  async estimate(request: AdhocRequest): Promise<number> {
    for await (const { estimatedRows } of this.#runs(request, 'json', true)) return estimatedRows;
    throw new Error('the process of a query ended without an estimate');
  }

  /** All of the result as a file. One that breaks off throws, as `ask` does: at the first chunk what is wrong with the query. */
  async *file(request: AdhocRequest, format: Exclude<ResultFormat, 'json'>): AsyncGenerator<Buffer> {
    for await (const { run, folder } of this.#runs(request, format)) {
      if (format !== 'parquet') yield* run.output as AsyncIterable<Buffer>;
      const message = await run.next();
      if (message.type !== 'written') throw new Error(`the process of a query says ${message.type}`);
      if (message.file !== undefined) yield* createReadStream(join(folder, message.file)) as AsyncIterable<Buffer>;
    }
  }

  /** False when no query of the project has this name. */
  cancel(project: string, queryId: string): boolean {
    const named = [...this.#running].filter((running) => running.project === project && running.queryId === queryId);
    for (const running of named) stop(running);
    return named.length > 0;
  }

  /** Ids of the processes that run; for operators and tests. */
  get processIds(): number[] {
    return [...this.#running].flatMap(({ run }) => run?.pid ?? []);
  }

  close(): void {
    for (const running of this.#running) stop(running);
  }

  /** The one run of a request, judged and (unless it is only estimated) under way; whatever becomes of it, it is gone in the end. */
  async *#runs(request: AdhocRequest, format: ResultFormat, explain = false): AsyncGenerator<{ run: QueryRun; estimatedRows: number; folder: string }> {
    const { project, queryId, signal } = request;
    const { atOnce } = this.#limits;
    if ([...this.#running].filter((running) => running.project === project).length >= atOnce) throw new AdhocBusy(atOnce);
    const running: Running = { project, queryId };
    const aborted = (): void => stop(running);
    signal?.addEventListener('abort', aborted);
    if (signal?.aborted === true) aborted();
    this.#running.add(running);
    const own = join(this.#parts.folder, randomUUID());
    const [folder, root] = [join(own, 'handed'), join(own, 'root')];
    try {
      for (const each of [folder, root]) mkdirSync(each, { recursive: true, mode: 0o700 });
      const bounds = { ...this.#limits, ...(format !== 'json' && { timeoutMs: this.#limits.fileTimeoutMs, bytes: this.#limits.fileBytes }) };
      const extents = await this.#handOver.extentsOf(project);
      if (running.cancelled !== undefined) throw running.cancelled;
      const { program } = this.#parts;
      const command = this.isConfined ? confined(program, folder, root) : unconfined(program, folder);
      const { events, others, views } = request.relations;
      const run = new QueryRun(command, {
        query: request.query,
        format,
        tables: [events, ...others].map(({ name, columns }) => ({ name, columns })),
        views: views.map(({ name, select, selectWithoutPersons }) => ({ name, select, ...(selectWithoutPersons !== undefined && { selectWithoutPersons }) })),
        estimated: { table: events.name, extents },
        bounds,
        folder: command.folder,
      });
      running.run = run;
      const judged = await run.next();
      if (judged.type !== 'judged') throw new Error(`the process of a query says ${judged.type}`);
      if (!explain) {
        await this.#give(request, judged, folder);
        run.go(bounds.timeoutMs);
      }
      yield { run, estimatedRows: judged.estimatedRows, folder };
    } finally {
      signal?.removeEventListener('abort', aborted);
      await running.run?.end();
      this.#running.delete(running);
      await rm(own, { recursive: true, force: true });
    }
  }

  async #give({ project, relations }: AdhocRequest, { views, persons }: { views: readonly string[]; persons: boolean }, folder: string): Promise<void> {
    const read = relations.views.filter(({ name }) => views.includes(name));
    const needed = new Set(read.flatMap((view) => [...view.reads, ...(persons ? view.persons : [])]));
    if (needed.has(relations.events.name)) await this.#handOver.giveEvents(project, join(folder, relations.events.name));
    for (const { name, select } of relations.others) if (needed.has(name)) await this.#handOver.giveTable(select, join(folder, name));
  }
}

function stop(running: Running): void {
  running.cancelled = new AdhocRefusal('sql_cancelled', 'The query was cancelled.');
  running.run?.kill(running.cancelled);
}
