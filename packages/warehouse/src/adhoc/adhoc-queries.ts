/** Runs SELECTs that somebody wrote, each in a process of its own (docs/decisions/012). */
import assert from 'node:assert';
import { constants, mkdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { WarehouseError, type Warehouse } from '../warehouse.ts';
import { canConfine } from './confine.ts';
import { HandOver, type FileLake } from './hand-over.ts';
import { RESULT_FILE, type AdhocBounds, type AdhocOrder, type AdhocRehearsal, type AdhocTable, type AdhocView, type Column, type FromQuery, type ResultFormat } from './order.ts';
import type { QueryRun } from './query-run.ts';
import { QuerySeat } from './query-seat.ts';
import { AdhocBusy, AdhocRefusal } from './refusal.ts';
import { Spare } from './spare.ts';
import type { Json } from './values.ts';

export interface AdhocRelations {
  /** The table that the lake's files make. */
  events: AdhocTable;
  /** Other tables, each with the SELECT over the warehouse that makes it. */
  /** `isAsked`: the SELECT is what somebody made up, and has the memory and the time of a query. */
  others: readonly (AdhocTable & { select: string; isAsked?: boolean })[];
  /** What a query may name. `persons`: the tables behind its column person_id, beside those that it reads anyhow. */
  views: readonly (AdhocView & { persons: readonly string[] })[];
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
  /** Of all projects; what one project may, it may. */
  atOnceInAll: number;
  /** Of a file. */
  fileBytes: number;
  fileTimeoutMs: number;
  /** How long a process that has started waits for the next query; 0: none does. */
  keepMs: number;
}

export interface AdhocParts {
  /** The program whose main is `runQueryProcess`. */
  program: string;
  /** For a folder a query, emptied at the start; on the file system of the lake. */
  folder: string;
  lake: FileLake;
  warehouse: Warehouse;
  limits?: Partial<AdhocLimits>;
  /** What a process that waits has done before, with relations of nobody. */
  rehearsal?: { relations: AdhocRelations; queries: readonly string[] };
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
  atOnceInAll: 4,
  fileBytes: 1 << 30,
  fileTimeoutMs: 300_000,
  keepMs: 300_000,
};

interface Running {
  project: string;
  queryId: string | undefined;
  /** Absent while it is being started. */
  seat?: QuerySeat;
  /** Tables that are on their way into its folder, by name. */
  begun: ReadonlyMap<string, Promise<void>>;
  cancelled?: AdhocRefusal;
}

export class AdhocQueries {
  /** The processes see nothing of the machine but their own folder. */
  readonly isConfined: boolean;
  readonly #parts: AdhocParts;
  readonly #limits: AdhocLimits;
  readonly #handOver: HandOver;
  readonly #running = new Set<Running>();
  readonly #spare: Spare;
  #isClosed = false;

  constructor(parts: AdhocParts) {
    this.#parts = parts;
    this.#limits = { ...DEFAULTS, ...parts.limits };
    this.isConfined = parts.confine !== false && canConfine();
    this.#handOver = new HandOver(parts.lake, parts.warehouse);
    rmSync(parts.folder, { recursive: true, force: true });
    mkdirSync(parts.folder, { recursive: true, mode: 0o700 });
    const { rehearsal } = parts;
    this.#spare = new Spare(this.#limits.keepMs, () => this.#start(rehearsal && { ...tablesAndViews(rehearsal.relations), estimated: rehearsal.relations.events.name, queries: rehearsal.queries }));
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
    for await (const { estimatedRows } of this.#runs(request, 'json', true)) if (estimatedRows !== undefined) return estimatedRows;
    throw new Error('the process of a query ended without an estimate');
  }

  /** All of the result as a file. One that breaks off throws, as `ask` does: at the first chunk what is wrong with the query. */
  async *file(request: AdhocRequest, format: Exclude<ResultFormat, 'json'>): AsyncGenerator<Buffer> {
    for await (const { run, folder } of this.#runs(request, format)) {
      if (format !== 'parquet') yield* run.output as AsyncIterable<Buffer>;
      const message = await run.next();
      if (message.type !== 'written') throw new Error(`the process of a query says ${message.type}`);
      if (format !== 'parquet') return;
      // What a link there would lead to is not the process's to show. Windows knows no such flag, nor any process that is confined.
      const result = await open(join(folder, RESULT_FILE), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
      assert((await result.stat()).isFile(), 'the result of a query is a file');
      yield* result.createReadStream() as AsyncIterable<Buffer>;
    }
  }

  /** False when no query of the project has this name. */
  cancel(project: string, queryId: string): boolean {
    const named = [...this.#running].filter((running) => running.project === project && running.queryId === queryId);
    for (const running of named) stop(running);
    return named.length > 0;
  }

  /** Bytes of memory that the process which waits for the next query holds for itself alone; undefined while there is none, or it is starting. */
  get waitingBytes(): number | undefined {
    return this.#spare.anonymousBytes;
  }

  close(): void {
    this.#isClosed = true;
    for (const running of this.#running) stop(running);
    this.#spare.close();
  }

  /** The one run of a request, judged and (unless it is only estimated) under way; whatever becomes of it, it is gone in the end. */
  async *#runs(request: AdhocRequest, format: ResultFormat, explain = false): AsyncGenerator<{ run: QueryRun; estimatedRows: number | undefined; folder: string }> {
    const { project, queryId, signal } = request;
    const { atOnce, atOnceInAll } = this.#limits;
    if ([...this.#running].filter((running) => running.project === project).length >= atOnce) throw new AdhocBusy(atOnce, 'of the project');
    const inAll = Math.max(atOnce, atOnceInAll);
    if (this.#running.size >= inAll) throw new AdhocBusy(inAll, 'of this server');
    const running: Running = { project, queryId, begun: new Map() };
    const aborted = (): void => stop(running);
    signal?.addEventListener('abort', aborted);
    if (signal?.aborted === true) aborted();
    this.#running.add(running);
    try {
      const bounds = { ...this.#limits, ...(format !== 'json' && { timeoutMs: this.#limits.fileTimeoutMs, bytes: this.#limits.fileBytes }) };
      const extents = await this.#handOver.extentsOf(project);
      const { events } = request.relations;
      const order = { query: request.query, explain, format, ...tablesAndViews(request.relations), estimated: { table: events.name, extents }, bounds };
      const { seat, judged } = await this.#judged(running, request, order);
      if (!explain) {
        await this.#give(request, judged, seat, running.begun);
        seat.run.go(bounds.timeoutMs);
      }
      yield { run: seat.run, estimatedRows: judged.estimatedRows, folder: seat.folder };
    } finally {
      signal?.removeEventListener('abort', aborted);
      const ended = this.#end(running);
      // Who has the answer need not wait until the process is gone; who was told that it is cancelled may rely on it.
      if (running.seat?.run.isDone === true) ended.catch(() => {});
      else await ended;
      this.#running.delete(running);
      if (!this.#isClosed) this.#spare.expect();
    }
  }

  /** By the process that waits, or by a new one: when there is none, and when that one turns out to be gone. */
  async #judged(running: Running, request: AdhocRequest, order: Omit<AdhocOrder, 'folder'>): Promise<{ seat: QuerySeat; judged: Judged }> {
    for (let isNew = false; ; isNew = true) {
      if (running.cancelled !== undefined) throw running.cancelled;
      const waiting = isNew ? undefined : this.#spare.take();
      isNew = waiting === undefined;
      const seat = (running.seat = waiting ?? this.#start());
      seat.run.order({ ...order, folder: seat.folderInside });
      running.begun = this.#begin(request, seat.folder);
      try {
        const judged = await seat.run.next();
        if (judged.type !== 'judged') throw new Error(`the process of a query says ${judged.type}`);
        return { seat, judged };
      } catch (error) {
        if (isNew || !(error instanceof WarehouseError)) throw error;
        await this.#end(running);
      }
    }
  }

  async #end({ seat, begun }: Running): Promise<void> {
    // Nothing is to write into a folder that is being removed.
    await Promise.allSettled(begun.values());
    await seat?.end();
  }

  #start(rehearsal?: AdhocRehearsal): QuerySeat {
    const { program, folder } = this.#parts;
    const { memoryBytes, fileBytes } = this.#limits;
    return new QuerySeat({ program, folder, isConfined: this.isConfined, fileBytes }, { memoryBytes, ...(rehearsal !== undefined && { rehearsal }) });
  }

  /** While the process judges: whose the events are, where it looks as if that were asked. It takes about as long, and is given by name. */
  #begin({ query, relations }: AdhocRequest, folder: string): Running['begun'] {
    const likely = query.includes('person_id') ? relations.views.filter(({ name }) => query.includes(name)).flatMap(({ persons }) => persons) : [];
    const tables = relations.others.filter(({ name }) => likely.includes(name));
    const begun = tables.map(({ name, select }) => [name, this.#handOver.giveTable(select, join(folder, name))] as const);
    for (const [, given] of begun) given.catch(() => {});
    return new Map(begun);
  }

  async #give({ project, relations }: AdhocRequest, { views, persons }: Judged, { folder, aside }: QuerySeat, begun: Running['begun']): Promise<void> {
    const read = relations.views.filter(({ name }) => views.includes(name));
    const needed = new Set(read.flatMap((view) => [...view.reads, ...(persons ? view.persons : [])]));
    if (needed.has(relations.events.name)) await this.#handOver.giveEvents(project, { to: join(folder, relations.events.name), aside });
    const { memoryBytes: maxMemoryBytes, timeoutMs } = this.#limits;
    for (const { name, select, isAsked = false } of relations.others) {
      if (needed.has(name)) await (begun.get(name) ?? this.#handOver.giveTable(select, join(folder, name), isAsked ? { maxMemoryBytes, timeoutMs } : undefined));
    }
  }
}

type Judged = Extract<FromQuery, { type: 'judged' }>;

function stop(running: Running): void {
  running.cancelled = new AdhocRefusal('sql_cancelled', 'The query was cancelled.');
  running.seat?.run.kill(running.cancelled);
}

/** As the process is told them. */
function tablesAndViews({ events, others, views }: AdhocRelations): Pick<AdhocOrder, 'tables' | 'views'> {
  return {
    tables: [events, ...others].map(({ name, columns }) => ({ name, columns })),
    views: views.map(({ name, select, selectWithoutPersons, reads, persons }) => ({ name, select, ...(selectWithoutPersons !== undefined && { selectWithoutPersons }), reads: [...reads, ...persons] })),
  };
}
