import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { answerOf, startProgram } from '../server/program.ts';

export type Row = Record<string, unknown>;

/**
 * An engine of its own over a copy of a store, for statements written by hand: it can be asked in turns with a server that has
 * the same data open. Times are the statements' own, without a message from process to process.
 */
export class HandSql {
  readonly #child: ChildProcess;

  static async open(dataPath: string): Promise<HandSql> {
    const child = startProgram('hand-sql-process');
    child.send({ warehousePath: join(dataPath, 'warehouse') });
    await answerOf(child);
    return new HandSql(child);
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  async run(sql: string): Promise<{ rows: Row[]; ms: number }> {
    const answer = answerOf<{ rows: Row[]; ms: number }>(this.#child);
    this.#child.send({ sql });
    return answer;
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.send({});
    await ended;
  }
}
