import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { knob } from '../options.ts';
import { processTree, type TreeProcess } from '../server/process-tree.ts';

/** What R4 is measured against, in a process of its own that stays: chDB's own INSERT of such events as JSONEachRow. */
export class PlainInsert {
  readonly #child: ChildProcess;

  /** Resolves once its files are written and a first insert has warmed it up. */
  static async start(): Promise<PlainInsert> {
    const child = fork(fileURLToPath(new URL('./plain-insert-process.mjs', import.meta.url)));
    // As long as a round of ours, within reason: 20,000 rows are 0.2 s.
    child.send({ prepare: Math.round(knob('TIDEMARK_BENCH_SECONDS', 10)) * 2 });
    await once(child, 'message');
    return new PlainInsert(child);
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  async rowsPerSecond(): Promise<number> {
    this.#child.send({ insert: true });
    const [rate] = (await once(this.#child, 'message')) as [number];
    return rate;
  }

  processes(): TreeProcess[] {
    return processTree(this.#child.pid!);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.send({ stop: true });
    await ended;
  }
}
