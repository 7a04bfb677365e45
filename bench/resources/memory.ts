/** Anonymous memory (RssAnon: heaps, buffers, stacks; not mapped files) of all processes of a server, second by second. */
import { readFileSync } from 'node:fs';
import type { TreeProcess } from '../server/process-tree.ts';
import { parseStatusBytes } from './proc.ts';

const MIB = 2 ** 20;

export interface MemoryUse {
  maxMiB: number;
  /** Least squares over the second half, in MiB a minute: the first half fills caches and pools. */
  slopeMiBPerMinute: number;
  samples: number;
  /** The largest of each process; they need not have come at once. */
  maxMiBByRole: Record<string, number>;
  /** One value each ten seconds, for a look. */
  everyTenSecondsMiB: number[];
}

export class MemorySampler {
  readonly #processes: () => readonly TreeProcess[];
  readonly #sumsMiB: number[] = [];
  readonly #maxMiB: Record<string, number> = {};
  readonly #timer: NodeJS.Timeout;

  /** `processes` is asked each time, so that one that was started again counts. */
  constructor(processes: () => readonly TreeProcess[], everyMs = 1000) {
    this.#processes = processes;
    this.#timer = setInterval(() => this.#sample(), everyMs);
  }

  stop(): MemoryUse {
    clearInterval(this.#timer);
    this.#sample();
    const all = this.#sumsMiB;
    return {
      maxMiB: Math.max(...all),
      slopeMiBPerMinute: slope(all.slice(Math.floor(all.length / 2))) * 60,
      samples: all.length,
      maxMiBByRole: this.#maxMiB,
      everyTenSecondsMiB: all.filter((_, index) => index % 10 === 0),
    };
  }

  #sample(): void {
    let sum = 0;
    for (const { pid, role } of this.#processes()) {
      const mib = anonymousBytes(pid) / MIB;
      this.#maxMiB[role] = Math.max(this.#maxMiB[role] ?? 0, mib);
      sum += mib;
    }
    this.#sumsMiB.push(sum);
  }
}

/** Of the line that fits `values` best, by step. */
export function slope(values: readonly number[]): number {
  const meanX = (values.length - 1) / 2;
  const meanY = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  let [above, below] = [0, 0];
  for (const [x, y] of values.entries()) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

function anonymousBytes(pid: number): number {
  try {
    return parseStatusBytes(readFileSync(`/proc/${pid}/status`, 'utf8'), 'RssAnon');
  } catch {
    return 0;
  }
}
