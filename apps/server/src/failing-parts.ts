/** Which store keeps the processor from going on, and since when: for /readyz, GET /api/pipeline and the metrics. */
import { LogCorrupt, LogUnavailable } from '@tidemark/log';
import type { ProcessorObserver } from '@tidemark/processor';
import { WarehouseError } from '@tidemark/warehouse';

export interface FailingPart {
  /** `warehouse`, `lake`, `positions`, `log`, or `processor` when no store is to blame. */
  part: string;
  sinceMs: number;
  /** Words of the last failure; they may quote events. */
  error: string;
}

type Topic = 'events' | 'quarantine';

/** One failure that the next try makes good is nobody's business. */
const SHOWS_AFTER_MS = 1_000;

export class FailingParts {
  readonly #nowMs: () => number;
  readonly #folders: Readonly<Record<string, string>>;
  readonly #failing: Record<Topic, Map<string, FailingPart>> = { events: new Map(), quarantine: new Map() };
  /** Stores whose write failed in the try that is under way. */
  #stores = new Set<string>();

  constructor(folders: Readonly<Record<string, string>>, nowMs: () => number) {
    this.#folders = folders;
    this.#nowMs = nowMs;
  }

  /** The same observer, and we hear what it hears. */
  watch(observer: ProcessorObserver): ProcessorObserver {
    return {
      committed: (range) => {
        this.#well('events');
        observer.committed(range);
      },
      setAside: (counts) => {
        this.#well('quarantine');
        observer.setAside?.(counts);
      },
      wrote: (store, seconds, failed) => {
        if (failed) this.#stores.add(store === 'lake' ? 'lake' : 'warehouse');
        observer.wrote(store, seconds, failed);
      },
      failed: (topic, error) => {
        this.#failed(topic, error);
        observer.failed(topic, error);
      },
    };
  }

  list(): FailingPart[] {
    const latest = this.#nowMs() - SHOWS_AFTER_MS;
    const byPart = new Map<string, FailingPart>();
    for (const failing of [...this.#failing.quarantine.values(), ...this.#failing.events.values()]) {
      if (failing.sinceMs <= latest) byPart.set(failing.part, failing);
    }
    return [...byPart.values()];
  }

  #well(topic: Topic): void {
    this.#failing[topic].clear();
    if (topic === 'events') this.#stores.clear();
  }

  #failed(topic: Topic, error: unknown): void {
    const parts = topic === 'events' && this.#stores.size > 0 ? [...this.#stores] : [this.#partOf(error)];
    if (topic === 'events') this.#stores.clear();
    const before = this.#failing[topic];
    const text = error instanceof Error ? error.message : String(error);
    this.#failing[topic] = new Map(
      parts.map((part) => [part, { part, sinceMs: before.get(part)?.sinceMs ?? this.#nowMs(), error: text.slice(0, 500) }]),
    );
  }

  #partOf(error: unknown): string {
    if (error instanceof WarehouseError) return 'warehouse';
    if (error instanceof LogCorrupt) return 'log';
    // What lmdb rejects with when a commit of the positions fails.
    if (error instanceof Error && 'commitError' in error) return 'positions';
    if (error instanceof LogUnavailable) return this.#folders['positions'] !== undefined && error.message.includes(this.#folders['positions']) ? 'positions' : 'log';
    const { path, syscall } = error as { path?: unknown; syscall?: unknown };
    // Node names no path when a file that is open can't be written; the processor has such files in warehouse/tmp alone.
    if (typeof path !== 'string') return typeof syscall === 'string' ? 'warehouse' : 'processor';
    return Object.entries(this.#folders).find(([, folder]) => path.startsWith(folder))?.[0] ?? 'processor';
  }
}
