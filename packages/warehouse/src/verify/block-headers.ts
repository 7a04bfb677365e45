/**
 * Whether the blocks of a part's compressed files fit into them. The header in front of each block says how large it is, and memory for it
 * is asked for before its checksum could tell that a bit of the header was flipped. The engine takes its own refusal then for a lack
 * of memory and not for damage: `CHECK TABLE` finds nothing, and with such a file of marks or keys the table, and so the start,
 * fails each time (tried, chDB 26.7).
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { entriesOf, tableFolders } from './keep-replaced.ts';
import { freeName, syncFolder } from './move-aside.ts';
import { parsePartName } from './part-name.ts';

const COMPRESSED = /\.(bin|cidx|cmrk\d|idx2)$/;
/** Before each block: a checksum of 16 bytes, then, as part of what is checked and of the size told, the method, that size and the one that it will have. */
const CHECKSUM_BYTES = 16;
const SIZE_AT = CHECKSUM_BYTES + 1;
const HEADER_BYTES = 9;

/** Name of the first file of a part (by its folder) in which a block reaches beyond the end, or is none; undefined when there is none, or no such part. */
export async function misfitIn(part: string): Promise<string | undefined> {
  for (const name of (await entriesOf(part)).filter((each) => COMPRESSED.test(each)).toSorted()) {
    if (!isTiled(join(part, name))) return name;
  }
  return undefined;
}

/**
 * Moves every part with such a file into its table's `detached/`, as the engine does with what it can't load: `verifyParts` then tells them
 * as broken. To be called before the engine is opened. `dataPath`: the engine's folder. Resolves with their names.
 */
export async function setMisfitsAside(dataPath: string): Promise<string[]> {
  const aside: string[] = [];
  for (const table of await tableFolders(dataPath)) {
    for (const name of (await entriesOf(table)).filter((each) => parsePartName(each) !== undefined)) {
      if ((await misfitIn(join(table, name))) === undefined) continue;
      const detached = join(table, 'detached');
      await mkdir(detached, { recursive: true });
      await rename(join(table, name), freeName(join(detached, `broken_${name}`)));
      for (const changed of [table, detached]) await syncFolder(changed);
      aside.push(name);
    }
  }
  return aside;
}

/** Reads at once, for a read in turn is ten times as long as one of these. */
function isTiled(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const told = Buffer.alloc(4);
    for (let at = 0; at < size; ) {
      if (readSync(file, told, 0, told.length, at + SIZE_AT) < told.length) return false;
      const blockBytes = told.readUInt32LE();
      if (blockBytes < HEADER_BYTES || at + CHECKSUM_BYTES + blockBytes > size) return false;
      at += CHECKSUM_BYTES + blockBytes;
    }
    return true;
  } finally {
    closeSync(file);
  }
}
