import { join } from 'node:path';
import { areShadowsWhole, createMissingTables, createShadows, definitionOf, dropShadows, literal, shadowOf, tableIds } from '@tidemark/warehouse';
import { RebuildJournal, type Begun, type Ended } from './journal.ts';
import { rebuild, type RebuildParts, type RebuildPhase, type RebuildRun } from './rebuild.ts';
import { RebuildRefused } from './refused.ts';
import { filesOfPartitions, partitionsOf, REBUILT_TABLES, type RebuildScope } from './scope.ts';

export interface RebuildsParts extends RebuildParts {
  journalPath: string;
  nowMs: () => number;
  /** Of the disk that the tables lie on. */
  room: { freeBytes: () => Promise<number>; reserveBytes: number };
  /** Told when one ended otherwise than it should. */
  onError: (error: unknown) => void;
}

export interface RebuildRequest extends RebuildScope {
  /** Rows that a table holds and the lake doesn't may go. */
  allowLoss?: boolean;
}

/** What `GET /api/rebuild` tells. Times in epoch ms. */
export interface RebuildView {
  state: 'running' | Ended['as'];
  phase: RebuildPhase | undefined;
  scope: RebuildScope;
  /** Months that are replaced; null = the whole tables. */
  partitions: readonly string[] | null;
  startedAtMs: number;
  endedAtMs: number | undefined;
  /** Events copied so far, and all there are to copy, about. */
  rows: number;
  totalRows: number;
  secondsLeft: number | undefined;
  error: { code: string; detail: string } | undefined;
}

const CANCELLED = new Error('The rebuild was cancelled.');
const STOPPING = new Error('The engine is stopping.');
/** Parts that a merge replaced stay for minutes: a table that is being filled takes about its size once more. */
const ROOM_FACTOR = 2;

/** The one rebuild that may run, and the last one that ended. */
export class Rebuilds {
  readonly #parts: RebuildsParts;
  readonly #journal: RebuildJournal;
  #running: { begun: Begun; run: RebuildRun; abort: AbortController; since: { ms: number; rows: number }; ended: Promise<void> } | undefined;
  #starting = false;

  constructor(parts: RebuildsParts) {
    this.#parts = parts;
    this.#journal = new RebuildJournal(parts.journalPath);
  }

  /** Begins one. Throws RebuildRefused (`rebuild_running`, `rebuild_no_room`, `rebuild_nothing`) or WarehouseError. */
  async begin({ allowLoss = false, ...scope }: RebuildRequest): Promise<RebuildView> {
    if (this.#running !== undefined || this.#starting) throw new RebuildRefused('rebuild_running', 'A rebuild is running already: wait for it to end, or cancel it.');
    this.#starting = true;
    try {
      const { warehouse, lake, derived, nowMs } = this.#parts;
      const partitions = await partitionsOf(scope, warehouse, lake);
      if (partitions?.length === 0) throw new RebuildRefused('rebuild_nothing', 'No event of the lake or the tables is of this time and name: there is nothing to rebuild.');
      const present = await tableIds(warehouse);
      const gone = REBUILT_TABLES.filter((table) => !present.has(table));
      if (partitions !== null && gone.length > 0) throw new RebuildRefused('rebuild_nothing', `The table ${gone[0]} is gone: rebuild everything, without a time and a name.`);
      await this.#requireRoom(partitions);
      await createMissingTables(warehouse, derived.tables);
      await createShadows(warehouse, REBUILT_TABLES);
      const begun = { scope: { ...scope, ...(allowLoss ? { allowLoss } : {}) }, startedAtMs: nowMs(), partitions, definition: definitionNow() };
      this.#journal.begin(begun);
      this.#launch(begun, new Set(), 0, new Set([...lake.manifest.files].map(({ path }) => path)));
      return this.view()!;
    } finally {
      this.#starting = false;
    }
  }

  /**
   * Goes on with one that the last stop, or a kill, cut short, and removes what is left of others. To be called once,
   * after `finishSwap`, when the processor is open.
   */
  async resume(): Promise<void> {
    this.#starting = true;
    try {
      await this.#resume();
    } finally {
      this.#starting = false;
    }
  }

  async #resume(): Promise<void> {
    const { warehouse, nowMs, onError } = this.#parts;
    const state = this.#journal.read();
    if (state === undefined || state.ended !== undefined || state.swapped) {
      await dropShadows(warehouse);
      if (state?.swapped && state.ended === undefined) this.#journal.ended({ as: 'done', atMs: nowMs(), rows: state.rows });
      return;
    }
    if (state.isDamaged) {
      await dropShadows(warehouse);
      const error = new RebuildRefused('rebuild_journal_damaged', 'The journal of the rebuild is damaged, and how far it had come is not known: it ended there. Rebuild again.');
      onError(error);
      return this.#journal.ended({ as: 'failed', code: error.code, detail: error.message, atMs: nowMs(), rows: state.rows });
    }
    const { begun } = state;
    if (begun.definition === definitionNow() && (await areShadowsWhole(warehouse, REBUILT_TABLES))) {
      return this.#launch(begun, state.copied, state.rows, new Set());
    }
    // Broken by a power loss, or of an older form: what is in them is copied again.
    await createShadows(warehouse, REBUILT_TABLES);
    const anew = { ...begun, definition: definitionNow() };
    this.#journal.begin(anew);
    this.#launch(anew, new Set(), 0, new Set());
  }

  /** undefined before the first. */
  view(): RebuildView | undefined {
    const { lake, nowMs } = this.#parts;
    if (this.#running !== undefined) {
      const { begun, run, since } = this.#running;
      const totalRows = filesOfPartitions(lake, run.partitions).reduce((sum, { rows }) => sum + rows, 0);
      const done = run.rows - since.rows;
      const left = Math.max(0, totalRows - run.rows);
      const secondsLeft = done === 0 ? undefined : Math.ceil((left * (nowMs() - since.ms)) / done / 1000);
      const rows = Math.min(run.rows, totalRows);
      return { state: 'running', phase: run.phase, scope: scopeOf(begun), partitions: run.partitions, startedAtMs: begun.startedAtMs, endedAtMs: undefined, rows, totalRows, secondsLeft, error: undefined };
    }
    const last = this.#journal.read();
    if (last?.ended === undefined) return undefined;
    const { begun, ended } = last;
    const error = ended.code === undefined ? undefined : { code: ended.code, detail: ended.detail ?? '' };
    return { state: ended.as, phase: undefined, scope: scopeOf(begun), partitions: begun.partitions, startedAtMs: begun.startedAtMs, endedAtMs: ended.atMs, rows: ended.rows, totalRows: ended.rows, secondsLeft: undefined, error };
  }

  /** Ends it and leaves the tables as they are. False when none runs, or when it has begun to swap. */
  async cancel(): Promise<boolean> {
    if (this.#running === undefined || this.#running.run.phase === 'swapping') return false;
    const { abort, ended } = this.#running;
    abort.abort(CANCELLED);
    await ended;
    return this.view()?.state === 'cancelled';
  }

  /** Leaves it as it is, for the next start to go on. Resolves when it writes no more. */
  async stop(): Promise<void> {
    this.#running?.abort.abort(STOPPING);
    await this.#running?.ended;
  }

  /** Resolves when none runs any more. */
  async ended(): Promise<void> {
    await this.#running?.ended;
  }

  #launch(begun: Begun, copied: Set<string>, rows: number, untouched: ReadonlySet<string>): void {
    const abort = new AbortController();
    const allowLoss = (begun.scope as RebuildRequest).allowLoss ?? false;
    const run: RebuildRun = { phase: 'copying', partitions: begun.partitions, allowLoss, copied, rows, untouched, stop: abort.signal };
    const ended = this.#finish(run).finally(() => (this.#running = undefined));
    this.#running = { begun, run, abort, since: { ms: this.#parts.nowMs(), rows }, ended };
  }

  async #finish(run: RebuildRun): Promise<void> {
    const { warehouse, nowMs, onError } = this.#parts;
    let ended: Pick<Ended, 'as' | 'code' | 'detail'> = { as: 'done' };
    try {
      await rebuild(this.#parts, this.#journal, run);
    } catch (error) {
      if (run.stop.reason === STOPPING) return;
      if (error === CANCELLED) ended = { as: 'cancelled' };
      else {
        onError(error);
        const code = error instanceof RebuildRefused ? error.code : 'rebuild_failed';
        ended = { as: 'failed', code, detail: error instanceof Error ? (error.message.split('\n')[0] ?? '').slice(0, 500) : String(error) };
      }
    }
    try {
      await dropShadows(warehouse);
      this.#journal.ended({ ...ended, atMs: nowMs(), rows: run.rows });
    } catch (error) {
      // The next start does it.
      onError(error);
    }
  }

  async #requireRoom(partitions: readonly string[] | null): Promise<void> {
    const { warehouse, lake, room } = this.#parts;
    const some = partitions === null ? '' : ` AND partition_id IN (${partitions.map((partition) => literal(partition)).join(', ')})`;
    const { rows } = await warehouse.query<{ bytes: number }>(
      `SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND database = currentDatabase() AND table IN (${REBUILT_TABLES.map((table) => literal(table)).join(', ')})${some}`,
    );
    // A table that lost its rows says nothing of the room it takes; the lake takes about as much for the same events.
    const inLake = filesOfPartitions(lake, partitions).reduce((sum, { bytes }) => sum + bytes, 0);
    const needed = ROOM_FACTOR * Math.max(rows[0]?.bytes ?? 0, inLake) + room.reserveBytes;
    const free = await room.freeBytes();
    if (free >= needed) return;
    throw new RebuildRefused('rebuild_no_room', `A rebuild takes up to ${megabytes(needed)} MB, with the reserve, and the disk has ${megabytes(free)} MB free: make room, or rebuild a month at a time.`);
  }
}

/** Where the journal lies: beside the checkpoint of the tables it speaks of. */
export function rebuildJournalPath(warehouseFolder: string): string {
  return join(warehouseFolder, 'rebuild.journal');
}

function definitionNow(): string {
  return REBUILT_TABLES.flatMap((table) => definitionOf(table, shadowOf(table))).join(';\n');
}

function scopeOf({ scope: { fromMs, toMs, event } }: Begun): RebuildScope {
  return { ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }), ...(event === undefined ? {} : { event }) };
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1024 ** 2);
}
