import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { WarehouseError } from '../warehouse.ts';
import type { Command } from './confine.ts';
import type { AdhocOrder, AdhocStart, FromQuery } from './order.ts';
import { AdhocRefusal } from './refusal.ts';

/** The engine in the process keeps the time itself; one that doesn't is killed after this much more. */
const GRACE_MS = 2_000;
/** Starting, and judging. */
const START_MS = 15_000;
const MAX_STDERR_CHARS = 2_000;

/** One process of one query, seen from outside. It ends by itself, or is killed: then it is gone, whatever it was doing. */
export class QueryRun {
  /** Resolves when it has started: how much of the machine's memory it holds for itself alone then. Throws as `next` does. */
  readonly ready: Promise<number>;
  readonly #process: ChildProcess;
  readonly #messages: AsyncIterator<string>;
  readonly #ended: Promise<string>;
  #timer: NodeJS.Timeout;
  #killedFor: AdhocRefusal | undefined;
  #isDone = false;
  #stderr = '';

  /** It starts, and waits for its order for as long as it takes. */
  constructor(command: Command, start: AdhocStart) {
    this.#process = spawn(command.file, command.args, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], env: command.env });
    const { stdin, stderr, stdio } = this.#process;
    stdin?.on('error', () => {});
    stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr = (this.#stderr + text).slice(-MAX_STDERR_CHARS)));
    this.#messages = createInterface({ input: stdio[3] as Readable })[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(error.message));
      this.#process.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    this.#timer = setTimeout(() => this.kill(new AdhocRefusal('sql_timeout', `The process of the query has not started within ${START_MS / 1000} s: try again.`)), START_MS);
    this.ready = this.#message().then((message) => {
      clearTimeout(this.#timer);
      if (message.type !== 'ready') throw new Error(`the process of a query says ${message.type}`);
      return message.anonymousBytes;
    });
    this.ready.catch(() => {});
    this.#tell(start);
  }

  /** It has said its last word. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Resolves when it is gone, however that came. */
  get gone(): Promise<unknown> {
    return this.#ended;
  }

  /** Has it judge a query as soon as it is ready. */
  order(order: AdhocOrder): void {
    this.#tell(order);
    const { timeoutMs } = order.bounds;
    void this.ready.then(
      () => (this.#timer = this.#killAfter(START_MS, timeoutMs)),
      () => {},
    );
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** What it writes of a stream. */
  get output(): Readable {
    return this.#process.stdout!;
  }

  /** The next thing that it says. Throws the AdhocRefusal that it was killed for or tells, WarehouseError when it ended otherwise. */
  async next(): Promise<Exclude<FromQuery, { type: 'refused' }>> {
    await this.ready;
    return this.#message();
  }

  async #message(): Promise<Exclude<FromQuery, { type: 'refused' }>> {
    const { value, done } = await this.#messages.next();
    if (done === true) {
      const how = await this.#ended;
      throw this.#killedFor ?? new WarehouseError(`The process of an SQL query ended (${how}): ${this.#stderr}`, 0);
    }
    const message = JSON.parse(value) as FromQuery;
    this.#isDone = message.type === 'answer' || message.type === 'written';
    if (message.type !== 'refused') return message;
    throw this.#killedFor ?? new AdhocRefusal(message.code, message.detail, message.value);
  }

  /** The files are there. */
  go(timeoutMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = this.#killAfter(timeoutMs + GRACE_MS, timeoutMs);
    this.#tell({ go: true });
  }

  /** Kills it; who waits for it is told why. */
  kill(reason: AdhocRefusal): void {
    this.#killedFor ??= reason;
    this.#process.kill('SIGKILL');
  }

  /** Resolves when nothing of it is left. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#process.kill('SIGKILL');
    this.#process.stdout?.resume();
    await this.#ended;
  }

  #tell(message: object): void {
    this.#process.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  #killAfter(ms: number, timeoutMs: number): NodeJS.Timeout {
    return setTimeout(() => this.kill(new AdhocRefusal('sql_timeout', `The query took longer than ${timeoutMs / 1000} s: ask for a shorter time, or of fewer events.`)), ms);
  }
}
