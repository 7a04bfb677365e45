/** Walks one B-tree of LMDB's file from its root, every page and every node, and checks that they agree. */
import { BRANCH, LEAF, OVERFLOW, PAGE_HEADER_BYTES, PageFault, bigAt, type PageFile, type Tree } from './page-file.ts';

const NODE_HEADER_BYTES = 8;
const BIG_DATA = 1;
const SUB_TREE = 2;
const MAX_DEPTH = 32;

/** One key and the way to its value. */
export interface Entry {
  key: Buffer;
  /** Bytes of the value. */
  size: number;
  /** The value is the record of a tree of its own. */
  isTree: boolean;
  /** The first `bytes` of the value; all of it by default. What is given holds until the next call, of any entry. Throws PageFault. */
  value(bytes?: number): Buffer;
}

export interface Walk {
  name: string;
  /** May throw PageFault to say that this entry is broken. */
  visit(entry: Entry): void;
  /** Told of everything that is wrong; the walk goes on beside it. */
  onFault(sentence: string): void;
  /** Order of the keys; that of their bytes by default. */
  compare?(a: Buffer, b: Buffer): number;
}

interface Node {
  key: Buffer;
  flags: number;
  /** Of a branch: the page below. Of a leaf: bytes of the value. */
  number: number;
  /** Where the value begins in the page. */
  valueAt: number;
}

export function walkTree(file: PageFile, tree: Tree, { name, visit, onFault, compare = Buffer.compare }: Walk): void {
  const seen = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 };
  let whole = true;

  function guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof PageFault)) throw error;
      whole = false;
      onFault(`${name}: ${error.message}`);
    }
  }

  /** Keys of the page must be at least `low` and less than `high`. */
  function page(number: number, depth: number, low: Buffer | undefined, high: Buffer | undefined): void {
    file.take(number, 1, name);
    const bytes = file.read(number);
    const isLeaf = depth === tree.depth;
    const nodes = nodesOf(bytes, number, isLeaf);
    if (isLeaf) seen.leafPages++;
    else seen.branchPages++;
    // A branch's first key says nothing: all that is smaller than the second one is below it.
    const keys = isLeaf ? nodes.map(({ key }) => key) : nodes.slice(1).map(({ key }) => key);
    const inOrder = keys.every((key, index) => index === 0 || compare(keys[index - 1]!, key) < 0);
    const inBounds = keys.every((key) => (low === undefined || compare(low, key) <= 0) && (high === undefined || compare(key, high) < 0));
    if (!inOrder || !inBounds) throw new PageFault(`the keys of page ${number} are out of order`);
    for (const [index, node] of nodes.entries()) {
      guard(() => {
        if (isLeaf) entry(bytes, node);
        else page(node.number, depth + 1, index === 0 ? low : node.key, nodes[index + 1]?.key ?? high);
      });
    }
  }

  function nodesOf(bytes: Buffer, number: number, isLeaf: boolean): Node[] {
    const { flags, lower, upper } = file.header(number, bytes);
    if (flags !== (isLeaf ? LEAF : BRANCH)) throw new PageFault(`page ${number} is not the ${isLeaf ? 'leaf' : 'branch'} that it must be`);
    if (lower % 2 !== 0 || lower > upper || (!isLeaf && lower < 4)) throw new PageFault(`page ${number} is broken`);
    const nodes: Node[] = [];
    let room = bytes.length - PAGE_HEADER_BYTES - upper;
    for (let index = 0; index < lower / 2; index++) {
      const at = bytes.readUInt16LE(PAGE_HEADER_BYTES + 2 * index) + PAGE_HEADER_BYTES;
      if (at + NODE_HEADER_BYTES > bytes.length) throw new PageFault(`node ${index} of page ${number} lies outside of it`);
      const node = nodeAt(bytes, at, isLeaf);
      const inside = isLeaf ? ((node.flags & BIG_DATA) !== 0 ? PAGE_HEADER_BYTES : node.number) : 0;
      // LMDB leaves no gaps between nodes, so their sizes add up to what is taken of the page.
      const bytesOfNode = node.valueAt + inside - at;
      room -= bytesOfNode + (bytesOfNode & 1);
      const known = !isLeaf || (node.flags & ~(BIG_DATA | SUB_TREE)) === 0;
      if (!known || at < upper + PAGE_HEADER_BYTES || room < 0) throw new PageFault(`node ${index} of page ${number} is broken`);
      nodes.push(node);
    }
    if (room !== 0) throw new PageFault(`the nodes of page ${number} don't fill what is taken of it`);
    return nodes;
  }

  function entry(bytes: Buffer, { key, flags, number: size, valueAt }: Node): void {
    seen.entries++;
    const isTree = (flags & SUB_TREE) !== 0;
    if ((flags & BIG_DATA) !== 0) visit({ key, size, isTree, value: overflow(bytes, valueAt, size) });
    else visit({ key, size, isTree, value: (length = size) => bytes.subarray(valueAt, valueAt + Math.min(length, size)) });
  }

  /** A value too large for its page stands on pages of its own, behind one page header. */
  function overflow(bytes: Buffer, at: number, size: number): Entry['value'] {
    const first = bigAt(bytes, at, name);
    const pages = bigAt(bytes, at + 16, name);
    const due = Math.floor((PAGE_HEADER_BYTES - 1 + size) / file.meta.pageBytes) + 1;
    if (pages !== due) throw new PageFault(`a value of ${size} bytes says that it fills ${pages} pages`);
    file.take(first, pages, name);
    seen.overflowPages += pages;
    return (length = size) => {
      const found = file.readOver(first, PAGE_HEADER_BYTES + Math.min(length, size));
      const header = file.header(first, found);
      if (header.flags !== OVERFLOW || header.pages !== pages) throw new PageFault(`page ${first} is not the large value that it must be`);
      return found.subarray(PAGE_HEADER_BYTES);
    };
  }

  const { root, depth } = tree;
  if (root !== undefined) guard(() => {
    if (depth === 0 || depth > MAX_DEPTH) throw new PageFault(`its depth ${depth} can't be`);
    page(root, 1, undefined, undefined);
  });
  for (const count of ['branchPages', 'leafPages', 'overflowPages', 'entries'] as const) {
    if (whole && seen[count] !== tree[count]) onFault(`${name}: it should have ${tree[count]} ${WORDS[count]}, and has ${seen[count]}`);
  }
}

/** Leaf: value size UInt32, flags, key size, key, value. Branch: page UInt48, key size, key. */
function nodeAt(bytes: Buffer, at: number, isLeaf: boolean): Node {
  const flags = bytes.readUInt16LE(at + 4);
  const valueAt = at + NODE_HEADER_BYTES + bytes.readUInt16LE(at + 6);
  const number = bytes.readUInt32LE(at) + (isLeaf ? 0 : flags * 2 ** 32);
  return { key: bytes.subarray(at + NODE_HEADER_BYTES, valueAt), flags, number, valueAt };
}

const WORDS = { branchPages: 'branch pages', leafPages: 'leaf pages', overflowPages: 'pages of large values', entries: 'entries' };
