/**
 * Whether the stores were left as they should be. A start reads the checkpoint of the run before and marks it as not
 * clean at once; a run writes one each minute; a stop that went well writes the last one, marked clean, when nothing is
 * open any more. So a mark that is missing says that the machine, or this process, ended in the middle of something.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Position, Topic } from '@tidemark/log';
import { describeParts, forgetPartSums, keepReplacedParts, mendDefinitions, partsOnDisk, readCheckpoint, takeCheckpoint, writeCheckpoint, type Checkpoint, type PartsOnDisk, type Warehouse } from '@tidemark/warehouse';

const EVERY_MS = 60_000;

export class StoreCheckpoints {
  /** Of the run before; undefined when there is none, as in a new folder. */
  readonly found: Checkpoint | undefined;
  readonly onDisk: PartsOnDisk;
  /** Tables whose definitions were damaged, and have been put back as the checkpoint has them. */
  readonly mendedDefinitions: readonly string[];
  readonly #path: string;
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #take: () => Promise<void> = async () => {};

  /**
   * To be called before the warehouse is opened. `warehousePath`: its folder. `disregard`: whatever is written there says
   * nothing of the tables any more, as good as if there were none.
   */
  static async begin(warehousePath: string, nowMs: () => number, disregard = false): Promise<StoreCheckpoints> {
    const path = join(warehousePath, 'checkpoint');
    mkdirSync(dirname(path), { recursive: true });
    const found = disregard ? undefined : readCheckpoint(path);
    const data = join(warehousePath, 'data');
    const mended = await mendDefinitions(data, found?.definitions ?? {});
    if (found?.clean !== true) await keepReplacedParts(data, nowMs());
    else await writeCheckpoint(path, { ...found, clean: false });
    return new StoreCheckpoints(path, found, await partsOnDisk(data), mended, nowMs);
  }

  private constructor(path: string, found: Checkpoint | undefined, onDisk: PartsOnDisk, mendedDefinitions: readonly string[], nowMs: () => number) {
    this.#path = path;
    this.found = found;
    this.onDisk = onDisk;
    this.mendedDefinitions = mendedDefinitions;
    this.#nowMs = nowMs;
  }

  /** Takes one each minute, the first one now. `onError`: told when one could not be written; the one before it holds. */
  async keep(warehouse: Warehouse, committed: () => Checkpoint['committed'], onError: (error: unknown) => void): Promise<void> {
    const take = async (): Promise<void> => {
      await takeCheckpoint(this.#path, warehouse, committed, { clean: false, nowMs: this.#nowMs() });
    };
    await take();
    this.#take = take;
    this.#timer = setInterval(() => {
      this.#writing = this.#writing.then(take).catch(onError);
    }, EVERY_MS);
    this.#timer.unref();
  }

  /** Now: tables have changed places, and what the last one says is of others. */
  async anew(warehouse: Warehouse): Promise<void> {
    await this.#writing;
    forgetPartSums(warehouse);
    const taking = this.#take();
    this.#writing = taking.catch(() => {});
    await taking;
  }

  /** When nothing is written any more: resolves to what writes the clean mark, to be called when all stores are closed. */
  async end(warehouse: Warehouse, committed: () => Checkpoint['committed']): Promise<() => Promise<void>> {
    clearInterval(this.#timer);
    await this.#writing;
    const last = await describeParts(this.#path, warehouse, committed, { clean: true, nowMs: this.#nowMs() });
    return () => writeCheckpoint(this.#path, last);
  }
}

/** How far both topics are committed, for a checkpoint. */
export function committedOf(positions: { get(topic: Topic, partition: number): Position | undefined }): Checkpoint['committed'] {
  const committed: Checkpoint['committed'] = {};
  for (const topic of ['events', 'quarantine'] as const) {
    const position = positions.get(topic, 0);
    if (position !== undefined) committed[topic] = { epoch: position.epoch, offset: position.offset };
  }
  return committed;
}
