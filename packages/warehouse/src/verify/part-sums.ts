/**
 * The small files of a part that are read when it is loaded, and that no read checks: with a bit flipped, `count.txt`
 * hides rows and `minmax_….idx` keeps questions away from the part, in silence (tried, chDB 26.7; the large files have
 * checksums by block). Parts never change, so their sum is taken once, when a checkpoint first names them.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Part } from './parts.ts';

const UNCHECKED = /^(count\.txt|columns\.txt|checksums\.txt|serialization\.json|partition\.dat|minmax_.*\.idx)$/;

/** CRC-32 in hex; undefined when the part is gone, merged meanwhile. */
export async function partSum({ path }: Pick<Part, 'path'>): Promise<string | undefined> {
  try {
    let sum = 0;
    for (const name of (await readdir(path)).filter((each) => UNCHECKED.test(each)).toSorted()) {
      sum = crc32(await readFile(join(path, name)), crc32(name, sum));
    }
    return sum.toString(16);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `table/part` -> sum. Those in `known` are not read again. */
export async function partSums(parts: readonly Part[], known: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const sums = new Map<string, string>();
  for (const part of parts) {
    const key = sumKey(part);
    const sum = known.get(key) ?? (await partSum(part));
    if (sum !== undefined) sums.set(key, sum);
  }
  return sums;
}

export function sumKey({ table, name }: Pick<Part, 'table' | 'name'>): string {
  return `${table}/${name}`;
}
