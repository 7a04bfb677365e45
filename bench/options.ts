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
  TIDEMARK_BENCH_EVENTS: { means: 'events that R9 sends (600,000), R10 reads from (3,000,000), of `day` and `rollups` (5,000,000), `jobs` (1,000,000), of R6 to R8, `r8-kinds`, `rebuild` and `caps` (10,000,000), of the only store of `growth` (1, 10 and 50 million)', unit: 'events' },
  TIDEMARK_BENCH_LINKS: { means: 'identity links of `links` (100,000)', unit: 'links' },
  TIDEMARK_BENCH_LOG_MB: { means: 'unprocessed log of R11 (1,024)', unit: 'MB' },
  TIDEMARK_BENCH_BATCH: { means: 'events in a request (50)', unit: 'events' },
  TIDEMARK_BENCH_CONNECTIONS: { means: 'connections of a generator in closed loop (16)', unit: '' },
  TIDEMARK_SEED: { means: 'seed of the random faults of R15', unit: '' },
} as const satisfies Record<string, Knob>;

/** Knobs that choose where and what, and change no figure. */
export const PLACES = {
  TIDEMARK_BENCH_DIR: 'where the data folders are made; the disk that is measured (the temporary folder)',
  TIDEMARK_BENCH_KEEP: '1 keeps the folders of seeded ids and of questions in TIDEMARK_BENCH_DIR for the next run',
  TIDEMARK_BENCH_KINDS: 'kinds that R6, r8-kinds and growth ask, as `trend,funnel` (all)',
  TIDEMARK_BENCH_AGAINST: 'another checkout, built: `npm run bench -- ab` has both take turns at R4, `door` at R1',
} as const;

/** Knobs that were turned and asked for. */
const turned = new Map<string, string>();

/** A knob's value, or the measure's own value when nobody has turned it. */
export function knob(name: keyof typeof KNOBS, ownValue: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return ownValue;
  const value = Number(text.replaceAll(/[_,]/g, ''));
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} is '${text}', but must be a number.`);
  if (value !== ownValue) turned.set(name, `${name}=${value} instead of ${ownValue}`);
  return value;
}

/** Which knobs the measure that runs now has found turned, in words; those of all measures are among them. */
export function turnedKnobs(): string[] {
  return [...turned.values()];
}

/** To be called before each measure. */
export function forgetTurnedKnobs(): void {
  for (const name of turned.keys()) if (!OF_ALL.has(name)) turned.delete(name);
}

export function benchFolder(): string {
  return process.env['TIDEMARK_BENCH_DIR'] || tmpdir();
}

/** Read once, by the generator that all measures use. */
const OF_ALL = new Set<string>(['TIDEMARK_BENCH_BATCH', 'TIDEMARK_BENCH_CONNECTIONS']);
export const EVENTS_PER_BATCH = knob('TIDEMARK_BENCH_BATCH', 50);
export const CONNECTIONS = knob('TIDEMARK_BENCH_CONNECTIONS', 16);
