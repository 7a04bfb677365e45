/**
 * LMDB's data file read without LMDB. LMDB trusts its file: a flipped bit in a page makes it answer wrongly, or end the
 * process (SIGSEGV, SIGBUS, abort). Here whatever is wrong becomes a PageFault with a sentence.
 *
 * Layout: mdb.c of lmdb 3.5 (data version 2), little-endian. A page begins with 24 bytes:
 *   0 number UInt64 · 8 transaction UInt64 · 16 pad UInt16 · 18 flags UInt16 · 20 lower, upper UInt16 (or pages UInt32)
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** What is wrong, in words for an operator. Only thrown inside this folder. */
export class PageFault extends Error {}

export const PAGE_HEADER_BYTES = 24;
export const BRANCH = 1;
export const LEAF = 2;
export const OVERFLOW = 4;
const META = 8;
const META_BYTES = 160;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/** The record of one B-tree (MDB_db), 48 bytes. */
export interface Tree {
  flags: number;
  depth: number;
  branchPages: number;
  leafPages: number;
  overflowPages: number;
  entries: number;
  /** Undefined when the tree is empty. */
  root: number | undefined;
}

/** What the newest of the two meta pages says. */
export interface Meta {
  txnId: number;
  pageBytes: number;
  lastPage: number;
  free: Tree;
  main: Tree;
}

const MIB = 2 ** 20;
/** More than a commit may take: a group of requests is some megabytes. */
const MAX_UNWRITTEN_BYTES = 2 ** 30;

export class PageFile {
  readonly meta: Meta;
  /** 1 for each page that something stands on. */
  readonly used: Uint8Array;
  readonly #descriptor: number;
  readonly #bytes: number;
  #scratch = Buffer.alloc(0);

  /** @throws PageFault when the meta pages don't hold; a system error when the file can't be read */
  constructor(path: string) {
    this.#descriptor = openSync(path, 'r');
    try {
      this.#bytes = fstatSync(this.#descriptor).size;
      this.meta = this.#newestMeta();
      // Behind the end lie at most pages that one commit took and gave back; each page told of costs a byte here.
      if (this.meta.lastPage * this.meta.pageBytes > this.#bytes + MAX_UNWRITTEN_BYTES) throw new PageFault('its meta page tells of more pages than the file has');
      this.used = new Uint8Array(this.meta.lastPage + 1);
      this.used.fill(1, 0, 2);
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  /** A whole page. */
  read(page: number): Buffer {
    return this.#readFrom(page, Buffer.allocUnsafeSlow(this.meta.pageBytes));
  }

  /**
   * Reads `bytes` from the start of a page, `PAGE_HEADER_BYTES` included, to where the call before did: a gigabyte of large values in
   * memory that is new each time takes 1.4 times as long.
   */
  readOver(page: number, bytes: number): Buffer {
    if (this.#scratch.length < bytes) this.#scratch = Buffer.allocUnsafeSlow(Math.ceil(bytes / MIB) * MIB);
    return this.#readFrom(page, this.#scratch.subarray(0, bytes));
  }

  #readFrom(page: number, into: Buffer): Buffer {
    if (page > this.meta.lastPage) throw new PageFault(`page ${page} lies behind the last one`);
    return this.#readAt(page * this.meta.pageBytes, into, `page ${page}`);
  }

  /** The header's facts, once they are plausible. */
  header(page: number, bytes: Buffer): { flags: number; lower: number; upper: number; pages: number } {
    const own = bigAt(bytes, 0, `page ${page}`);
    if (own !== page) throw new PageFault(`page ${page} says that it is page ${own}`);
    // LMDB writes to a page in place whose transaction is not older than its own.
    if (bigAt(bytes, 8, `page ${page}`) > this.meta.txnId) throw new PageFault(`page ${page} is of a transaction that never was`);
    const [flags, lower, upper] = [bytes.readUInt16LE(18), bytes.readUInt16LE(20), bytes.readUInt16LE(22)];
    return { flags, lower, upper, pages: bytes.readUInt32LE(20) };
  }

  /** Notes that pages are taken. Two users of one page are damage: the next write of one breaks the other. */
  take(page: number, pages: number, by: string): void {
    if (page < 2 || page + pages > this.used.length) throw new PageFault(`${by} stands on page ${page}, which is none of its`);
    for (let at = page; at < page + pages; at++) {
      if (this.used[at] === 1) throw new PageFault(`page ${at} is used twice, by ${by} the second time`);
      this.used[at] = 1;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #newestMeta(): Meta {
    const first = this.#readMeta(0, 0);
    const second = this.#readMeta(1, first.pageBytes);
    // Each commit writes the page whose turn it is (txnId & 1). If the two don't follow each other, one is broken, and
    // LMDB might take the older one for the newest in silence.
    if (first.txnId + second.txnId > 0 && (Math.abs(first.txnId - second.txnId) !== 1 || first.txnId % 2 !== 0)) {
      throw new PageFault(`its two meta pages (${first.txnId} and ${second.txnId}) do not follow each other`);
    }
    return first.txnId > second.txnId ? first : second;
  }

  #readMeta(slot: 0 | 1, at: number): Meta {
    const where = `meta page ${slot}`;
    const bytes = this.#readAt(at, Buffer.allocUnsafeSlow(META_BYTES + PAGE_HEADER_BYTES), where);
    const body = bytes.subarray(PAGE_HEADER_BYTES);
    const free = treeAt(body, 24, where);
    const pageBytes = body.readUInt32LE(24);
    const mapBytes = bigAt(body, 16, where);
    const lastPage = bigAt(body, 120, where);
    const well =
      bytes.readUInt16LE(18) === META && body.readUInt32LE(0) === MAGIC && (body.readUInt32LE(4) & 0xffff) === DATA_VERSION &&
      [4096, 8192, 16_384, 32_768, 65_536].includes(pageBytes) && free.flags === 8 && mapBytes < 2 ** 47;
    if (!well) throw new PageFault(`${where} is broken`);
    return { txnId: bigAt(body, 128, where), pageBytes, lastPage, free, main: treeAt(body, 72, where) };
  }

  /** Fills `into`, and gives it back. */
  #readAt(position: number, into: Buffer, what: string): Buffer {
    if (position + into.length > this.#bytes) throw new PageFault(`${what} lies behind the end of the file: its tail was cut off`);
    for (let got = 0; got < into.length; ) {
      const more = readSync(this.#descriptor, into, got, into.length - got, position + got);
      if (more === 0) throw new PageFault(`${what} lies behind the end of the file: its tail was cut off`);
      got += more;
    }
    return into;
  }
}

export function treeAt(bytes: Buffer, at: number, where: string): Tree {
  const [branchPages, leafPages, overflowPages, entries] = [8, 16, 24, 32].map((shift) => bigAt(bytes, at + shift, where)) as [number, number, number, number];
  const root = bytes.readBigUInt64LE(at + 40);
  return {
    flags: bytes.readUInt16LE(at + 4), depth: bytes.readUInt16LE(at + 6), branchPages, leafPages, overflowPages, entries,
    root: root === NO_PAGE ? undefined : bigAt(bytes, at + 40, where),
  };
}

/** A 64-bit number of LMDB; one beyond 2^53 is never right. */
export function bigAt(bytes: Buffer, at: number, where: string): number {
  const high = bytes.readUInt32LE(at + 4);
  if (high >= 2 ** 21) throw new PageFault(`${where} holds an impossible number`);
  return high * 2 ** 32 + bytes.readUInt32LE(at);
}
