/** This checkout and another one, in turns: for judging a change on a machine whose speed moves by more than the change. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { spread, type Spread } from '../report/measure.ts';
import type { CpuPerEvent } from '../resources/cpu.ts';
import { PROGRAM } from '../server/server.ts';

/** A server of one checkout. Both stay up; the one that waits is idle. */
export interface Side {
  /** Events a second, and what they cost, of each round that counts. */
  rates: number[];
  costs: CpuPerEvent[];
  round(seconds: number, counts: boolean): Promise<void>;
  /** Checks what was stored. Throws WrongCount. */
  end(): Promise<void>;
}

export interface Rounds {
  rounds: number;
  seconds: number;
  /** What comes before the two in each round. */
  before?: (counts: boolean) => Promise<void>;
}

export interface TwoCheckouts {
  /** Folder of the other. */
  other: string;
  ours: Side;
  theirs: Side;
  /** Events a second of ours against theirs. */
  ratio: Spread;
  of(get: (side: Side) => number[]): { ours: Spread; theirs: Spread };
}

/** Goes through the rounds after one that doesn't count. Throws when TIDEMARK_BENCH_AGAINST names no other checkout. */
export async function compare(open: (program: string) => Promise<Side>, { rounds, seconds, before }: Rounds): Promise<TwoCheckouts> {
  const other = process.env['TIDEMARK_BENCH_AGAINST'] ?? '';
  const program = join(other, 'bin/tidemark.mjs');
  if (other === '' || !existsSync(program)) throw new Error('set TIDEMARK_BENCH_AGAINST to another checkout with its packages installed');
  const [ours, theirs] = [await open(PROGRAM), await open(program)];
  for (let round = -1; round < rounds; round++) {
    await before?.(round >= 0);
    for (const each of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) await each.round(seconds, round >= 0);
  }
  await ours.end();
  await theirs.end();
  const of = (get: (side: Side) => number[]): { ours: Spread; theirs: Spread } => ({ ours: spread(get(ours)), theirs: spread(get(theirs)) });
  return { other, ours, theirs, ratio: spread(ours.rates.map((rate, index) => rate / theirs.rates[index]!)), of };
}
