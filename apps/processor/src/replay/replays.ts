import type { Admission, FieldFault, PatchStep, ReplayedEvent, RequestFacts } from '@tidemark/pipeline';
import type { ItemFilter, Warehouse } from '@tidemark/warehouse';
import type { ProcessorView } from '../status.ts';
import { ReplayUnavailable, type ReplayDoorPort } from './door-client.ts';
import { countItems, cursorAt, readItems, type ItemCursor, type QuarantinedItem } from './items.ts';
import { judgeAgain, type ProjectRules } from './judge.ts';
import { storedIds } from './stored-ids.ts';
import { noteTries, type FailedTry } from './tries.ts';

export interface ReplayRequest {
  filter: ItemFilter;
  patch: readonly PatchStep[];
  /** At most so many items are looked at. */
  limit: number;
  /** Where an earlier request ended. */
  after?: ItemCursor | undefined;
  /** Only tells what would become of them. */
  preview: boolean;
}

export interface ReplayReport {
  /** Items that were looked at. */
  items: number;
  /** Of these: let in, or to be let in. */
  passed: number;
  /** Of the passed: an event of the same id is stored already, or came before it among them. */
  duplicates: number;
  /** By reason; the others stay. */
  failed: { code: string; events: number; example: { eventId: string; field: string; detail: string } }[];
  /** Items behind the last one that was looked at. */
  left: number;
  next: ItemCursor | undefined;
}

export interface ReplaysParts {
  warehouse: Warehouse;
  temporaryFolder: string;
  processor: Pick<ProcessorView, 'caughtUp' | 'quarantineCaughtUp'>;
  door: ReplayDoorPort;
  admit: (value: unknown, facts: RequestFacts) => Admission;
  /** Throws when there is no such project (any more). */
  rulesOf: (project: string) => Promise<ProjectRules>;
  nowMs: () => number;
}

/** Another replay is under way. */
class ReplayRunning extends Error {
  readonly code = 'replay_running';
}

/** Items read and appended at once: 256 of 128 KB are the most, and their group commit should delay nobody's. */
const LOT = 256;
const CATCH_UP_MS = 20_000;
/** How often a lot is made anew because somebody else replayed meanwhile. */
const MAX_LATE = 5;

/** Judges quarantined events again and lets those that pass into the log (protocol R1 to R7). */
export class Replays {
  readonly #parts: ReplaysParts;
  #running = false;

  constructor(parts: ReplaysParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when what passed can be asked for. What was let in when it throws is in, and is not looked at again. Throws
   * ReplayRunning, ReplayUnavailable, WarehouseError and what `rulesOf` throws.
   */
  async replay(request: ReplayRequest): Promise<ReplayReport> {
    if (request.preview) return this.#go(request, undefined);
    if (this.#running) throw new ReplayRunning('A replay is under way; ask again when it has ended.');
    this.#running = true;
    try {
      return await this.#go(request, await this.#begin());
    } finally {
      this.#running = false;
    }
  }

  async #go({ filter, patch, limit, after, preview }: ReplayRequest, begun: string | undefined): Promise<ReplayReport> {
    const { warehouse, temporaryFolder, processor, nowMs } = this.#parts;
    const report = new Tally();
    let turn = begun;
    let cursor = after;
    for (let late = 0; report.items < limit; ) {
      const items = await readItems(warehouse, filter, cursor, Math.min(LOT, limit - report.items));
      if (items.length === 0) break;
      const lot = await this.#judge(items, filter.project, patch);
      if (turn !== undefined && lot.passed.length > 0) {
        turn = await this.#parts.door.append({ turn, events: lot.passed });
        if (turn === undefined) {
          if (++late > MAX_LATE) throw new ReplayRunning('Others replay at the same time; ask again when they have ended.');
          turn = await this.#begin();
          continue;
        }
      }
      if (!preview) await noteTries(warehouse, temporaryFolder, filter.project, lot.failed, nowMs());
      report.add(lot);
      cursor = cursorAt(items.at(-1)!);
    }
    // Who asks next is to see what was done.
    if (!preview && report.passed > 0) await Promise.all([processor.caughtUp(CATCH_UP_MS), processor.quarantineCaughtUp(CATCH_UP_MS)]);
    const left = report.items < limit ? 0 : await countItems(warehouse, filter, cursor);
    return report.told(left, left === 0 ? undefined : cursor);
  }

  /** The turn, and all that was replayed before it is known to the stores. */
  async #begin(): Promise<string> {
    const turn = await this.#parts.door.turn();
    if (await this.#parts.processor.quarantineCaughtUp(CATCH_UP_MS)) return turn;
    throw new ReplayUnavailable('The processor is behind with quarantined events; ask again when it has caught up.');
  }

  async #judge(items: readonly QuarantinedItem[], project: string, patch: readonly PatchStep[]): Promise<JudgedLot> {
    const { admit, rulesOf, warehouse, nowMs } = this.#parts;
    const judging = { admit, rules: await rulesOf(project), patch, nowMs: nowMs() };
    const passed: Required<ReplayedEvent>[] = [];
    const failed: (FailedTry & { eventId: string })[] = [];
    for (const item of items) {
      const { at, source, code, receivedAtMs, eventId } = item;
      const judgement = judgeAgain(item, judging);
      if ('faults' in judgement) failed.push({ at, receivedAtMs, faults: judgement.faults, eventId });
      else passed.push({ project, source, code, of: at, itemReceivedAtMs: receivedAtMs, event: judgement.event });
    }
    const ids = passed.map(({ event }) => event.eventId);
    const { stored, forgotten } = await storedIds(warehouse, project, ids, judging.nowMs);
    return {
      passed: passed.map(({ event, ...item }) => (forgotten.has(event.eventId) ? item : { ...item, event })),
      ids,
      stored,
      failed,
    };
  }
}

interface JudgedLot {
  passed: readonly ReplayedEvent[];
  /** Of `passed`, in their order. */
  ids: readonly string[];
  /** Of the ids: those that a stored event has. */
  stored: ReadonlySet<string>;
  failed: readonly (FailedTry & { eventId: string })[];
}

class Tally {
  items = 0;
  passed = 0;
  #duplicates = 0;
  readonly #ids = new Set<string>();
  readonly #failed = new Map<string, ReplayReport['failed'][number]>();

  add({ ids, stored, failed }: JudgedLot): void {
    this.items += ids.length + failed.length;
    this.passed += ids.length;
    for (const id of ids) {
      if (stored.has(id) || this.#ids.has(id)) this.#duplicates++;
      this.#ids.add(id);
    }
    for (const { faults, eventId } of failed) {
      const { code, field, detail } = faults[0] as FieldFault;
      const known = this.#failed.get(code);
      if (known === undefined) this.#failed.set(code, { code, events: 1, example: { eventId, field, detail } });
      else known.events++;
    }
  }

  told(left: number, next: ItemCursor | undefined): ReplayReport {
    const failed = [...this.#failed.values()].toSorted((a, b) => b.events - a.events || (a.code < b.code ? -1 : 1));
    return { items: this.items, passed: this.passed, duplicates: this.#duplicates, failed, left, next };
  }
}
