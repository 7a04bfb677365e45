/**
 * An actor is who an event says it was: its user, or without one its device, typed, as user x is not device x. Rollups hold
 * them as 64-bit hashes and map them to persons when they are read, so that a login or a merge changes no rollup.
 *
 * Two of n actors of a project share a hash with a probability of about n²/2^65: 3e-6 at 10 million, 3e-4 at 100 million;
 * they would count as one. As plain arrays: in a roaring bitmap of 64 bits each random hash is a container of its own.
 */
export function actorHashSql(user: string, device: string): string {
  return keyHashSql(`if(${user} != '', concat('u', ${user}), concat('a', ${device}))`);
}

/** The hash of a person's or node's key: `u` or `a`, and the id. */
export function keyHashSql(key: string): string {
  return `sipHash64(${key})`;
}
