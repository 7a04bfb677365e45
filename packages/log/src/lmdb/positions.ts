import { LogCorrupt, type Positions } from '../log.ts';
import type { Position, Topic } from '../position.ts';
import { openEnvironment, type Environment } from './environment.ts';
import { parsePosition, positionText } from './position-text.ts';

/** A consumer's positions in an LMDB environment of its own: the log's has one writer, and that is the collector. */
export class LmdbPositions implements Positions {
  readonly #env: Environment;

  constructor(path: string, options: { readOnly?: boolean } = {}) {
    this.#env = openEnvironment(path, options.readOnly ?? false);
  }

  /** Throws LogCorrupt when the position's checksum does not hold. */
  get(topic: Topic, partition: number): Position | undefined {
    this.#env.root.resetReadTxn();
    // Opened to be read, a file whose first write a power loss took has no table.
    const text = this.#env.meta?.get(`${topic}-${partition}`);
    if (text === undefined) return undefined;
    const position = parsePosition(text);
    if (position === undefined) throw new LogCorrupt(`The position of ${topic}-${partition} fails its checksum; it is found again at the next start.`);
    return position;
  }

  /** True when only another process can write them again (see openEnvironment). */
  get givenUp(): boolean {
    return this.#env.givenUp;
  }

  async set(topic: Topic, partition: number, position: Position): Promise<void> {
    await this.#env.commit(() => [this.#env.meta.put(`${topic}-${partition}`, positionText(position))]);
  }

  async close(): Promise<void> {
    await this.#env.close();
  }
}
