import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { TreeProcess } from '../server/process-tree.ts';
import { parseStat, TICKS_PER_SECOND } from './proc.ts';

const WINDOW_MS = 500;
const QUIET_CORES = 0.08;

/**
 * Waits until `processes` have done next to nothing for `forMs` (merges behind the last round are done), so that one side's leftovers do
 * not slow the other's turn. Resolves to the CPU that they used meanwhile, in microseconds: work of the round before
 * that its time did not show. Gives up after `atMostMs` and goes on.
 */
export async function quiet(processes: readonly TreeProcess[], atMostMs = 15_000, forMs = WINDOW_MS): Promise<number> {
  const first = cpuTicks(processes);
  const deadline = performance.now() + atMostMs;
  let quietMs = 0;
  for (let before = first; ; ) {
    await delay(WINDOW_MS);
    const now = cpuTicks(processes);
    const cores = (now - before) / TICKS_PER_SECOND / (WINDOW_MS / 1000);
    quietMs = cores < QUIET_CORES ? quietMs + WINDOW_MS : 0;
    if (quietMs >= forMs || performance.now() > deadline) return ((now - first) / TICKS_PER_SECOND) * 1e6;
    before = now;
  }
}

function cpuTicks(processes: readonly TreeProcess[]): number {
  let sum = 0;
  for (const { pid } of processes) {
    try {
      const { user, system } = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      sum += user + system;
    } catch {
      // It has ended; what it used is no longer asked for.
    }
  }
  return sum;
}
