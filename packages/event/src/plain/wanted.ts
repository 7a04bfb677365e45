/** Names of members whose places are wanted, and within them further ones. */
export interface Wanted {
  readonly bySignature: ReadonlyMap<number, WantedMember>;
}

interface WantedMember {
  readonly name: Buffer;
  readonly slot: number;
  readonly inside: Wanted | undefined;
}

/** Members whose places are wanted, by name: the slot of the place, or with a list the slot and what is wanted inside. */
export function wanted(members: Record<string, number | readonly [slot: number, inside: Wanted]>): Wanted {
  const bySignature = new Map<number, WantedMember>();
  for (const [text, member] of Object.entries(members)) {
    const name = Buffer.from(text);
    const signature = signatureOf(name, 0, name.length);
    if (bySignature.has(signature)) throw new Error(`two wanted names look alike: ${text}`);
    const [slot, inside] = typeof member === 'number' ? [member, undefined] : member;
    bySignature.set(signature, { name, slot, inside });
  }
  return { bySignature };
}

/** The member that the bytes from `start` to `end` name. */
export function wantedMember(all: Wanted | undefined, signature: number, bytes: Buffer, start: number, end: number): WantedMember | undefined {
  const member = all?.bySignature.get(signature);
  return member !== undefined && bytes.compare(member.name, 0, member.name.length, start, end) === 0 ? member : undefined;
}

/** Equal for equal keys, and seldom for others: length and three of its bytes. */
export function signatureOf(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  return (length & 0xff) | (bytes[start]! << 8) | (bytes[start + (length >> 1)]! << 16) | (bytes[end - 1]! << 24);
}
