/** Walks a whole LMDB environment: the tree of free pages, the tree of tables, each table. */
import { createRequire } from 'node:module';
import { PageFault, PageFile, bigAt, treeAt, type Tree } from './page-file.ts';
import { walkTree, type Entry } from './tree.ts';

const { bufferToKeyValue } = createRequire(import.meta.url)('lmdb') as unknown as {
  bufferToKeyValue(bytes: Buffer): unknown;
};

/** What `visit` is given: an entry with its key as it was put. */
export interface TableEntry extends Omit<Entry, 'key' | 'isTree'> {
  key: unknown;
}

const TREE_BYTES = 48;
const TABLES = /^(meta|receipts|(events|quarantine)-\d+)$/;
/** More would only repeat themselves. */
const MAX_FAULTS = 20;

/**
 * Everything that is wrong with an environment's file, as sentences; none when it is well. `visit` is called for each
 * entry of each table that can be read, in order, and may throw PageFault.
 */
export function checkEnvironment(dataFile: string, visit: (table: string, entry: TableEntry) => void): string[] {
  const faults: string[] = [];
  const onFault = (sentence: string): void => void (faults.length < MAX_FAULTS && faults.push(sentence));
  let file: PageFile;
  try {
    file = new PageFile(dataFile);
  } catch (error) {
    if (!(error instanceof PageFault)) throw error;
    return [error.message];
  }
  try {
    const tables = new Map<string, Tree>();
    walkTree(file, file.meta.main, { name: 'the list of tables', onFault, visit: (entry) => {
      const tree = entry.isTree && entry.size === TREE_BYTES ? treeAt(entry.value(), 0, 'a table') : undefined;
      const name = String(keyOf(entry.key));
      // With one letter flipped, a table would only be gone.
      if (tree === undefined || tree.flags !== 0 || !TABLES.test(name)) throw new PageFault(`its entry ${JSON.stringify(name.slice(0, 50))} is no table`);
      tables.set(name, tree);
    } });
    for (const [name, tree] of tables) {
      const visitTable = ({ key, isTree, ...entry }: Entry): void => {
        if (isTree) throw new PageFault('it holds another table');
        visit(name, { ...entry, key: keyOf(key) });
      };
      walkTree(file, tree, { name: `table ${name}`, onFault, visit: visitTable });
    }
    walkTree(file, file.meta.free, { name: 'the list of free pages', onFault, visit: (entry) => freePages(file, entry), compare: byNumber });
  } finally {
    file.close();
  }
  return faults;
}

/** Number of the last commit; undefined when it can't be told. */
export function lastCommit(dataFile: string): number | undefined {
  try {
    const file = new PageFile(dataFile);
    file.close();
    return file.meta.txnId;
  } catch (error) {
    if (error instanceof PageFault) return undefined;
    throw error;
  }
}

function keyOf(bytes: Buffer): unknown {
  try {
    return bufferToKeyValue(bytes);
  } catch {
    throw new PageFault('a key can not be read');
  }
}

/** Keys of this one tree are transaction numbers. */
function byNumber(a: Buffer, b: Buffer): number {
  return numberOf(a) - numberOf(b);
}

function numberOf(key: Buffer): number {
  if (key.length !== 8) throw new PageFault('a key is no number');
  return bigAt(key, 0, 'a key');
}

/**
 * A list of free pages: a count, then pages, or minus the length of a run and its first page (midl.c of lmdb 3.5). A
 * page that is free and used at once would be written over. One that is neither is only lost room.
 */
function freePages(file: PageFile, entry: Entry): void {
  if (numberOf(entry.key) > file.meta.txnId) throw new PageFault('pages were freed by a transaction that never was');
  const list = entry.value();
  const count = list.length < 8 ? -1 : bigAt(list, 0, 'a list');
  if (count < 0 || (count + 1) * 8 > list.length) throw new PageFault('a list is longer than its room');
  for (let index = 1; index <= count; index++) {
    let page = list.readBigInt64LE(index * 8);
    if (page === 0n) continue;
    let run = 1n;
    if (page < 0n) {
      run = -page;
      page = ++index <= count ? list.readBigInt64LE(index * 8) : 0n;
    }
    if (page < 2n || run > BigInt(file.used.length)) throw new PageFault('it names a page that can not be free');
    file.take(Number(page), Number(run), 'the list of free pages');
  }
}

