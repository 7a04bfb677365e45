/** CPU time by process and kind of thread over a stretch of time: where each microsecond of an event goes. */
import { readdirSync, readFileSync } from 'node:fs';
import type { TreeProcess } from '../server/process-tree.ts';
import { parseIdle, parseStat, TICKS_PER_SECOND, type Ticks } from './proc.ts';
import { kindOf } from './thread-kinds.ts';

interface CpuShare {
  /** Microseconds of CPU, in user space and in the kernel. */
  userMicros: number;
  kernelMicros: number;
}

export interface CpuUse {
  /** By `process: kind of thread`. */
  threads: Record<string, CpuShare>;
  /** Of all the processes. */
  total: CpuShare;
  /** Of all cores, 0 to 1, of everything that runs on the machine. */
  idleShare: number;
  seconds: number;
}

/** Threads of a pool are called after what they do just now, so what they used is asked for often. */
const SAMPLE_MS = 250;
const MICROS_PER_TICK = 1e6 / TICKS_PER_SECOND;
const NOTHING: Ticks = { user: 0, system: 0 };

/** Measures from its making to `stop()`. */
export class CpuMeter {
  readonly #processes: readonly TreeProcess[];
  /** Ticks so far of each thread, and of each process as a whole, by path below /proc. */
  readonly #seen = new Map<string, Ticks>();
  readonly #threads = new Map<string, { user: number; system: number }>();
  readonly #idleBefore = readIdle();
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(processes: readonly TreeProcess[]) {
    this.#processes = processes;
    for (const { pid } of processes) this.#delta(`/proc/${pid}/stat`);
    this.#sample();
    this.#threads.clear();
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  stop(): CpuUse {
    clearInterval(this.#timer);
    this.#sample();
    const whole = { user: 0, system: 0 };
    for (const { pid, role } of this.#processes) {
      const used = this.#delta(`/proc/${pid}/stat`);
      if (used === undefined) continue;
      whole.user += used.user;
      whole.system += used.system;
      // A process counts threads that have ended; what no living one accounts for was theirs.
      const known = this.#sumOf(role);
      this.#add(`${role}: threads that ended`, { user: used.user - known.user, system: used.system - known.system });
    }
    const idle = readIdle();
    return {
      threads: Object.fromEntries([...this.#threads].map(([kind, ticks]) => [kind, shareOf(ticks)])),
      total: shareOf(whole),
      idleShare: (idle.idle - this.#idleBefore.idle) / Math.max(1, idle.total - this.#idleBefore.total),
      seconds: (performance.now() - this.#startedAt) / 1000,
    };
  }

  #sample(): void {
    for (const { pid, role } of this.#processes) {
      for (const tid of threadsOf(pid)) {
        const used = this.#delta(`/proc/${pid}/task/${tid}/stat`);
        if (used !== undefined) this.#add(`${role}: ${kindOf(used.name, tid === String(pid))}`, used);
      }
    }
  }

  /** What a thread or process has used since it was last asked; undefined when it has ended. */
  #delta(path: string): (Ticks & { name: string }) | undefined {
    const now = readStat(path);
    if (now === undefined) return undefined;
    const before = this.#seen.get(path) ?? NOTHING;
    this.#seen.set(path, now);
    return { name: now.name, user: now.user - before.user, system: now.system - before.system };
  }

  #add(kind: string, { user, system }: Ticks): void {
    const sum = this.#threads.get(kind) ?? { user: 0, system: 0 };
    this.#threads.set(kind, { user: sum.user + user, system: sum.system + system });
  }

  #sumOf(role: string): Ticks {
    const sum = { user: 0, system: 0 };
    for (const [kind, { user, system }] of this.#threads) {
      if (!kind.startsWith(`${role}: `)) continue;
      sum.user += user;
      sum.system += system;
    }
    return sum;
  }
}

export interface CpuPerEvent {
  /** Microseconds of CPU an event, of all the server's processes. */
  micros: number;
  /** Of that, in the kernel; 0 to 1. */
  kernelShare: number;
  /** Of the machine's cores, 0 to 1, with everything that ran on it. */
  idleShareOfMachine: number;
  /** By `process: kind of thread`, the dearest first; what rounds to nothing is left out. */
  threads: Record<string, { micros: number; kernelShare: number }>;
}

export function perEvent({ threads, total, idleShare }: CpuUse, events: number): CpuPerEvent {
  const both = ({ userMicros, kernelMicros }: CpuShare): number => userMicros + kernelMicros;
  const cost = (share: CpuShare) => ({ micros: both(share) / events, kernelShare: clamp(share.kernelMicros / Math.max(1, both(share))) });
  const rows = Object.entries(threads)
    .map(([name, share]) => [name, cost(share)] as const)
    .filter(([, { micros }]) => micros >= 0.05)
    .toSorted(([, a], [, b]) => b.micros - a.micros);
  return { ...cost(total), idleShareOfMachine: idleShare, threads: Object.fromEntries(rows) };
}

/** What ended threads used is a difference of counts of 10 ms, which may come out below nothing. */
function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

function shareOf({ user, system }: Ticks): CpuShare {
  return { userMicros: user * MICROS_PER_TICK, kernelMicros: system * MICROS_PER_TICK };
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function readStat(path: string): (Ticks & { name: string }) | undefined {
  try {
    return parseStat(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function readIdle(): { idle: number; total: number } {
  try {
    return parseIdle(readFileSync('/proc/stat', 'utf8'));
  } catch {
    return { idle: 0, total: 0 };
  }
}
