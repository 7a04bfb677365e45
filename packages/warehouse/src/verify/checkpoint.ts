/**
 * What is known of the parts of all tables, written down now and then: at the next start after an unclean stop, what is
 * older than it needs no look. One line `crc32-hex SP json`; a broken one is as good as none, and then everything is
 * looked at.
 */
import { existsSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Definitions } from './table-definitions.ts';

export interface Checkpoint {
  /** Written by a process that had stopped all its work; nothing was written after it. */
  clean: boolean;
  /** Epoch ms. Parts that were made SETTLE_MS before it are on the disk, whatever the disk says about its syncs. */
  writtenAtMs: number;
  /** How far each topic was committed before the parts were listed. */
  committed: Partial<Record<string, { epoch: string; offset: number }>>;
  /** Table -> names of its active parts. Empty at the start of a folder. */
  parts: Record<string, string[]>;
  /** `table/part` -> sum of its files that no read checks (part-sums.ts). Absent in those of before there were sums. */
  sums?: Record<string, string>;
  /** What the tables are. Absent in those of before they were kept. */
  definitions?: Definitions;
  /** Table -> names of its detached parts that were known, so that one that is new is told once. */
  detached: Record<string, string[]>;
}

/** Linux writes dirty pages back after 30 s at the latest (vm.dirty_expire_centisecs) and a drive's cache within seconds. */
export const SETTLE_MS = 60_000;

/** undefined when there is none, or when it is broken. */
export function readCheckpoint(path: string): Checkpoint | undefined {
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, 'utf8');
  const json = text.slice(9).trimEnd();
  if (text[8] !== ' ' || Number.parseInt(text.slice(0, 8), 16) !== crc32(json)) return undefined;
  return JSON.parse(json) as Checkpoint;
}

/** Durable when it resolves; the one before it stays whole until then. */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const json = JSON.stringify(checkpoint);
  const next = `${path}.next`;
  const file = await open(next, 'w');
  try {
    await file.writeFile(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
