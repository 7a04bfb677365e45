import { cpus, totalmem } from 'node:os';

export interface Spread {
  min: number;
  median: number;
  max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { min: sorted[0] ?? 0, median: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted[sorted.length - 1] ?? 0 };
}

export interface Measure {
  id: string;
  what: string;
  floor: string;
  goal: string;
  /** The figure that floor and goal are about. */
  value: Spread;
  unit: string;
  details: Record<string, unknown>;
}

export function machine(): Record<string, unknown> {
  const [first] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: first?.model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
  };
}
