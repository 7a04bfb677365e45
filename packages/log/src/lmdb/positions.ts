import type { Position, Positions, Topic } from '../log.ts';
import { openEnvironment, type Environment } from './environment.ts';

/** A consumer's positions in an LMDB environment of its own: the log's has one writer, and that is the collector. */
export class LmdbPositions implements Positions {
  readonly #env: Environment;

  constructor(path: string, options: { readOnly?: boolean } = {}) {
    this.#env = openEnvironment(path, options.readOnly ?? false);
  }

  get(topic: Topic, partition: number): Position | undefined {
    this.#env.root.resetReadTxn();
    const text = this.#env.meta.get(`${topic}-${partition}`);
    return text === undefined ? undefined : (JSON.parse(text) as Position);
  }

  async set(topic: Topic, partition: number, position: Position): Promise<void> {
    await this.#env.meta.put(`${topic}-${partition}`, JSON.stringify(position));
  }

  async close(): Promise<void> {
    await this.#env.root.close();
  }
}
