/**
 * Every knob of the benchmarks, in one place; all are environment variables. A run with a knob turned says so in its
 * output and in its result: a small run proves that a measure works, its figures are not the measure's.
 */
import { tmpdir } from 'node:os';

interface Knob {
  /** What it sets, as `npm run bench -- --help` prints it. */
  means: string;
  unit: string;
}

export const KNOBS = {
  TIDEMARK_BENCH_SECONDS: { means: 'length of each window of load (each measure has its own)', unit: 's' },
  TIDEMARK_BENCH_ROUNDS: { means: 'how often ours and what it is held against take turns (3 or 5)', unit: '' },
  TIDEMARK_BENCH_IDS: { means: 'ids in the dedup store before R4 and R12 (50,000,000)', unit: 'ids' },
  TIDEMARK_BENCH_EVENTS: { means: 'events that R9 sends (600,000) and R10 reads from (3,000,000)', unit: 'events' },
  TIDEMARK_BENCH_LOG_MB: { means: 'unprocessed log of R11 (1,024)', unit: 'MB' },
  TIDEMARK_BENCH_BATCH: { means: 'events in a request (50)', unit: 'events' },
  TIDEMARK_BENCH_CONNECTIONS: { means: 'connections of a generator in closed loop (16)', unit: '' },
  TIDEMARK_SEED: { means: 'seed of the random faults of R15', unit: '' },
} as const satisfies Record<string, Knob>;

/** Knobs that choose where and what, and change no figure. */
export const PLACES = {
  TIDEMARK_BENCH_DIR: 'where the data folders are made; the disk that is measured (the temporary folder)',
  TIDEMARK_BENCH_KEEP: '1 keeps the folder of seeded ids in TIDEMARK_BENCH_DIR for the next run',
  TIDEMARK_BENCH_AGAINST: 'another checkout, built: `npm run bench -- ab` has both take turns at R4',
} as const;

/** A knob's value, and the measure's own value when it is another. */
export function knob(name: keyof typeof KNOBS, ownValue: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return ownValue;
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} is '${text}', but must be a number.`);
  return value;
}

/** Which knobs are turned, as `name=value`, for the result. */
export function turnedKnobs(): string[] {
  return Object.keys(KNOBS).flatMap((name) => {
    const text = process.env[name];
    return text === undefined || text === '' ? [] : [`${name}=${text}`];
  });
}

export function benchFolder(): string {
  return process.env['TIDEMARK_BENCH_DIR'] || tmpdir();
}

export const EVENTS_PER_BATCH = knob('TIDEMARK_BENCH_BATCH', 50);
export const CONNECTIONS = knob('TIDEMARK_BENCH_CONNECTIONS', 16);
