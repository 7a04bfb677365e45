/**
 * Ids that the dedup store already holds before a measure. They are counted, not random, so that a generator can draw
 * one of fifty million without keeping any; the store never sees the order, since its keys are hashes of them.
 */
const SEEDED = '5eed0000-0000-4000-8000-';

/** The text of seeded id number `n`: 36 characters, shaped like a UUID. */
export function seededId(n: number): string {
  return SEEDED + n.toString(16).padStart(12, '0');
}

/** The same as a ClickHouse expression over the column `number`. */
export const SEEDED_ID_SQL = `concat('${SEEDED}', lower(leftPad(hex(number), 12, '0')))`;
