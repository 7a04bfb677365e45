/** Answers of one process, of all its projects, by their size: the ones that were not asked for longest go first. */
import type { TimeRange } from '../time/range.ts';
import type { Stored } from './stored.ts';

export interface KeptAnswer {
  /** JSON, UTF-8: its length is what it takes, and nobody who got it can change it. */
  json: Buffer;
  /** What the computing took as now, epoch ms. */
  computedMs: number;
  asOfMs: number;
  range: TimeRange;
  /** What it hangs on beside its key; undefined when that can't be known. */
  stored: Stored | undefined;
}

/** An answer that is being computed for all who ask for it meanwhile. */
export interface Computing extends Pick<KeptAnswer, 'computedMs' | 'asOfMs' | 'range'> {
  answer: Promise<object>;
}

export type Lookup = 'hit' | 'shared' | 'miss';

export interface AnswerCacheParts {
  maxBytes?: number;
  /** An answer that took less is not kept: to compute it anew costs little more than to look whether it holds. */
  minElapsedMs?: number;
  /** Told of each asking: answered from what was kept, with others who asked the same, or computed. */
  observe?: (lookup: Lookup) => void;
}

const MAX_BYTES = 64 << 20;
const MIN_ELAPSED_MS = 100;
/** Of an entry beside its JSON: key, times and the map's own. */
const ENTRY_BYTES = 500;

export class AnswerCache {
  readonly minElapsedMs: number;
  readonly observe: (lookup: Lookup) => void;
  readonly #maxBytes: number;
  /** From the one not asked for longest to the last. */
  #answers = new Map<string, KeptAnswer>();
  #computing = new Map<string, Computing>();
  #bytes = 0;

  constructor({ maxBytes = MAX_BYTES, minElapsedMs = MIN_ELAPSED_MS, observe = () => {} }: AnswerCacheParts = {}) {
    this.#maxBytes = maxBytes;
    this.minElapsedMs = minElapsedMs;
    this.observe = observe;
  }

  get size(): { bytes: number; answers: number } {
    return { bytes: this.#bytes, answers: this.#answers.size };
  }

  get(key: string): KeptAnswer | undefined {
    const answer = this.#answers.get(key);
    if (answer === undefined) return undefined;
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    return answer;
  }

  computing(key: string): Computing | undefined {
    return this.#computing.get(key);
  }

  /** Shows what is being computed to those who ask meanwhile. What it answers is to be handed to `end` with it. */
  begin(key: string, computing: Computing): void {
    this.#computing.set(key, computing);
  }

  /** `answer`: what is to be kept of it. It is not when everything was forgotten since, or a later one is there. */
  end(key: string, computing: Computing, answer: KeptAnswer | undefined): void {
    const isLast = this.#computing.get(key) === computing;
    if (isLast) this.#computing.delete(key);
    if (isLast && answer !== undefined) this.#keep(key, answer);
  }

  /** Forgets everything: what was stored was changed in a way that no version tells. */
  clear(): void {
    this.#answers = new Map();
    this.#computing = new Map();
    this.#bytes = 0;
  }

  #keep(key: string, answer: KeptAnswer): void {
    this.#drop(key);
    const bytes = sizeOf(answer);
    if (bytes > this.#maxBytes) return;
    this.#answers.set(key, answer);
    this.#bytes += bytes;
    for (const oldest of this.#answers.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    const answer = this.#answers.get(key);
    if (answer === undefined) return;
    this.#answers.delete(key);
    this.#bytes -= sizeOf(answer);
  }
}

function sizeOf({ json }: KeptAnswer): number {
  return json.byteLength + ENTRY_BYTES;
}
