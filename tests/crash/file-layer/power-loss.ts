/** Writes what a disk may hold after a power loss into a folder. */
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../ledger.ts';
import { Disk, type DiskModel, type LostSyncs } from './disk.ts';
import { Content, contentNow, contentWith, type Change, type FileState } from './file-state.ts';
import { applyNames, FolderNode, LinkNode, type NameChange, type TreeNode } from './folder-tree.ts';
import type { Journal } from './journal.ts';

/** A disk writes a sector whole or not at all; a file system gives room by the page. */
const SECTOR_BYTES = 512;
const PAGE_BYTES = 4096;

/**
 * The folder that was watched, as it may be after the power went when the journal was `at` bytes long; chosen by `seed`.
 * The caller removes it. For many cuts of one journal keep a Disk and `advance` it instead.
 */
export function diskAfterPowerLoss(journal: Journal, at: number, seed: number, model: DiskModel = 'posix', lost?: LostSyncs): string {
  const disk = new Disk(journal, model, lost);
  disk.advance(at);
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-power-'));
  writeDisk(disk, folder, seed);
  return folder;
}

/** Writes one of the states that the disk may be in to `folder`, which is there and empty. */
export function writeDisk(disk: Disk, folder: string, seed: number): void {
  const random = seededRandom(seed);
  const names = survivingNames(disk, random);
  const fate = disk.model === 'posix' ? fateOnAnyDisk : fateInOrder;
  writeFolder(disk.tree.root, folder, (node) => names.get(node) ?? node.synced, (file) => fate(file, random), [disk.journal.root, folder]);
}

function writeFolder(
  node: FolderNode,
  path: string,
  namesOf: (folder: FolderNode) => Map<string, TreeNode>,
  contentOf: (file: FileState) => Buffer,
  moved: readonly [from: string, to: string],
): void {
  for (const [name, child] of namesOf(node)) {
    const target = join(path, name);
    if (child instanceof FolderNode) {
      mkdirSync(target);
      writeFolder(child, target, namesOf, contentOf, moved);
    } else if (child instanceof LinkNode) symlinkSync(child.target.replace(moved[0], moved[1]), target);
    else writeFileSync(target, contentOf(child));
  }
}

/** The names of the folders in which not all was synced. */
function survivingNames(disk: Disk, random: () => number): Map<FolderNode, Map<string, TreeNode>> {
  const names = new Map<FolderNode, Map<string, TreeNode>>();
  const namesOf = (folder: FolderNode): Map<string, TreeNode> => {
    let copy = names.get(folder);
    if (copy === undefined) names.set(folder, (copy = new Map(folder.synced)));
    return copy;
  };
  for (const change of survivors(disk, random)) applyNames(change, namesOf);
  return names;
}

function survivors({ model, tree: { pending } }: Disk, random: () => number): readonly NameChange[] {
  if (model === 'ordered') return pending.slice(0, Math.floor(random() * (pending.length + 1)));
  // Not always a coin each: few things lost, and few things kept, are what finds assumptions about order.
  const share = [0, 0.1, 0.5, 0.9, 1][Math.floor(random() * 5)]!;
  return pending.filter(() => random() < share);
}

const isSynced = (change: Change): boolean => change.kind === 'write' && change.synced;

/** `posix`: kept, lost, torn by the sector, cut off, or the room without the bytes. */
function fateOnAnyDisk(file: FileState, random: () => number): Buffer {
  const { pending } = file;
  if (pending.length === 0) return file.synced.bytes;
  const kept = pending.filter(isSynced);
  switch (Math.floor(random() * 5)) {
    case 0: return contentNow(file);
    case 1: return contentWith(file, kept);
    case 2: return torn(file, random, SECTOR_BYTES);
    case 3: {
      const whole = contentNow(file);
      const atLeast = contentWith(file, kept).length;
      return whole.length <= atLeast ? torn(file, random, PAGE_BYTES) : whole.subarray(0, cutBetween(atLeast, whole.length, random));
    }
    default: return zeroed(file, random);
  }
}

/** `ordered`: what is new in a file is there up to some page; what is overwritten, page by page. */
function fateInOrder(file: FileState, random: () => number): Buffer {
  const { pending } = file;
  if (pending.length === 0) return file.synced.bytes;
  const whole = contentNow(file);
  if (random() < 0.25) return whole;
  const old = file.synced.size;
  const content = torn(file, random, PAGE_BYTES);
  const atLeast = contentWith(file, pending.filter(isSynced)).length;
  if (whole.length <= old) return content.subarray(0, Math.max(atLeast, content.length));
  const size = random() < 0.3 ? Math.max(old, atLeast) : cutBetween(Math.max(old, atLeast), whole.length, random);
  return Buffer.concat([content.subarray(0, Math.min(old, size)), whole.subarray(Math.min(old, size), size)]);
}

function torn(file: FileState, random: () => number, unit: number): Buffer {
  const content = new Content(file.synced.bytes);
  const share = [0.1, 0.5, 0.9][Math.floor(random() * 3)]!;
  for (const change of file.pending) {
    if (isSynced(change)) content.apply(change);
    else if (change.kind === 'truncate') {
      if (random() < share) content.apply(change);
    } else {
      for (const [from, to] of sectors(change.offset, change.bytes.length, unit)) {
        if (random() < share) content.write(from, change.bytes.subarray(from - change.offset, to - change.offset));
      }
    }
  }
  return content.bytes;
}

/** Delayed allocation, and allocation ahead: the size is there and the bytes, from some sector on, are not. */
function zeroed(file: FileState, random: () => number): Buffer {
  const whole = Buffer.from(contentNow(file));
  const old = file.synced.size;
  if (whole.length <= old) return torn(file, random, SECTOR_BYTES);
  whole.fill(0, random() < 0.5 ? old : cutBetween(old, whole.length, random));
  const content = new Content(whole);
  for (const change of file.pending) if (isSynced(change)) content.apply(change);
  return content.bytes;
}

function* sectors(offset: number, length: number, unit: number): Iterable<[from: number, to: number]> {
  for (let from = offset; from < offset + length; ) {
    const to = Math.min(offset + length, (Math.floor(from / unit) + 1) * unit);
    yield [from, to];
    from = to;
  }
}

/** A sector's or a page's edge in [low, high], or `low`. */
function cutBetween(low: number, high: number, random: () => number): number {
  const unit = random() < 0.5 ? SECTOR_BYTES : PAGE_BYTES;
  return Math.max(low, Math.floor((low + random() * (high - low + 1)) / unit) * unit);
}
