import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { knob } from '../options.ts';
import { answerOf, startProgram } from '../server/program.ts';
import { processTree, type TreeProcess } from '../server/process-tree.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';

/** What the process is told; it answers each with a number. */
export type PlainInsertOrder = { folder: string; prepareBlocks: number } | 'insert' | 'stop';

/** What R4 is measured against, in a process of its own that stays: chDB's own INSERT of such events as JSONEachRow. */
export class PlainInsert {
  readonly #child: ChildProcess;
  readonly #folder: string;

  /** Resolves once its files are written and a first insert has warmed it up. */
  static async start(): Promise<PlainInsert> {
    const plain = new PlainInsert(startProgram('plain-insert-process'), newFolder());
    // A block of 20,000 takes about 0.2 s: a few seconds a round.
    await plain.#order({ folder: plain.#folder, prepareBlocks: Math.max(4, Math.round(knob('TIDEMARK_BENCH_SECONDS', 10) * 2)) });
    return plain;
  }

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  rowsPerSecond(): Promise<number> {
    return this.#order('insert');
  }

  processes(): TreeProcess[] {
    return processTree(this.#child.pid!);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.send('stop');
    await ended;
    removeFolder(this.#folder);
  }

  #order(order: PlainInsertOrder): Promise<number> {
    this.#child.send(order);
    return answerOf<number>(this.#child);
  }
}
