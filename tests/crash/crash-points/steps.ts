/** The steps of a processor that reach a disk or a store, each by name, and a death before or after one of them. */
import type { Lake } from '@tidemark/lake';
import type { Positions } from '@tidemark/log';
import type { Warehouse } from '@tidemark/warehouse';

/** `INSERT events#1:after`: after the first statement that inserts into events; `planned#2:at`: the second such crash point. */
export type StepName = string;

export class Steps {
  /** Those passed until now, in order. */
  readonly passed: StepName[] = [];
  readonly #deadly: StepName | undefined;
  readonly #counts = new Map<string, number>();

  /** At `deadly` this process is killed, as by the kernel. */
  constructor(deadly: StepName | undefined) {
    this.#deadly = deadly;
  }

  at(name: string): void {
    this.#pass(`${name}#${this.#next(name)}:at`);
  }

  async around<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const numbered = `${name}#${this.#next(name)}`;
    this.#pass(`${numbered}:before`);
    const result = await work();
    this.#pass(`${numbered}:after`);
    return result;
  }

  /** Sees each statement, each position and each change of the manifest. */
  watch({ warehouse, positions, lake }: { warehouse: Warehouse; positions: Positions; lake: Lake }): void {
    const command = warehouse.command.bind(warehouse);
    warehouse.command = (sql) => this.around(nameOf(sql), () => command(sql));
    const set = positions.set.bind(positions);
    positions.set = (topic, partition, position) => this.around(`position ${topic}`, () => set(topic, partition, position));
    const change = lake.manifest.change.bind(lake.manifest);
    lake.manifest.change = (what) => {
      this.at('before the manifest');
      change(what);
      this.at('after the manifest');
    };
  }

  #next(name: string): number {
    const number = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, number);
    return number;
  }

  #pass(step: StepName): void {
    this.passed.push(step);
    if (step === this.#deadly) process.kill(process.pid, 'SIGKILL');
  }
}

/** `INSERT INTO events (…` is `INSERT events`. */
function nameOf(sql: string): string {
  const [, verb = '', object = ''] = /^\s*(\w+)(?: (?:INTO|TABLE|FUNCTION|IF|NOT|EXISTS|FROM))* (\w+)/.exec(sql) ?? [];
  return `${verb} ${object}`;
}
