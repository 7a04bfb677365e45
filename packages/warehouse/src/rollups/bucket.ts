/** Quarters of an hour of event time: every zone's days and hours begin on their borders (offsets of :30 and :45 exist). */
export const BUCKET_MS = 900_000;

/** Start of the bucket that holds an instant; epoch ms. */
export function bucketStart(epochMs: number): number {
  return Math.floor(epochMs / BUCKET_MS) * BUCKET_MS;
}

/** The first border at or after an instant; epoch ms. */
export function nextBorder(epochMs: number): number {
  return Math.ceil(epochMs / BUCKET_MS) * BUCKET_MS;
}

/** SQL of the start of the bucket that holds the DateTime64(3) `time`, before 1970 too. */
export const BUCKET_SQL = `fromUnixTimestamp64Milli(toUnixTimestamp64Milli(time) - positiveModulo(toUnixTimestamp64Milli(time), ${BUCKET_MS}), 'UTC')`;

/** [fromMs, toMs), both on borders. */
export interface Run {
  fromMs: number;
  toMs: number;
}

/** Buckets, ascending, as runs of neighbours. */
export function runsOf(starts: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (const start of starts) {
    const last = runs.at(-1);
    if (last?.toMs === start) last.toMs += BUCKET_MS;
    else runs.push({ fromMs: start, toMs: start + BUCKET_MS });
  }
  return runs;
}
