/**
 * The names of a disk: what was synced, and the changes since. Names point to nodes, so a rename that survives brings the
 * file along even when the name that it had before was never on the disk.
 */
import { basename, dirname, relative } from 'node:path';
import type { FileState } from './file-state.ts';

export type TreeNode = FolderNode | FileState | LinkNode;

export class LinkNode {
  readonly target: string;
  constructor(target: string) {
    this.target = target;
  }
}

export class FolderNode {
  readonly synced = new Map<string, TreeNode>();
  readonly now = new Map<string, TreeNode>();
}

interface Place {
  readonly folder: FolderNode;
  readonly name: string;
}

/** One change of names, whole or not at all: journalling file systems rename atomically. */
export interface NameChange {
  readonly end: number;
  readonly kind: 'create' | 'rename' | 'link' | 'remove';
  readonly node: TreeNode;
  readonly from?: Place;
  readonly to?: Place;
  /** What takes the place `from`, where two names change places. */
  readonly exchanged?: TreeNode;
}

export class FolderTree {
  readonly root = new FolderNode();
  readonly #path: string;
  #pending: NameChange[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  get pending(): readonly NameChange[] {
    return this.#pending;
  }

  /** The node that a path names now. */
  find(path: string): TreeNode | undefined {
    const parts = relative(this.#path, path).split('/').filter(Boolean);
    let node: TreeNode | undefined = this.root;
    for (const part of parts) node = node instanceof FolderNode ? node.now.get(part) : undefined;
    return node;
  }

  create(end: number, path: string, node: TreeNode): void {
    this.#change({ end, kind: 'create', node, to: this.#place(path) });
  }

  rename(end: number, path: string, to: string, exchange = false): void {
    const node = this.#mustFind(path);
    if (node === this.find(to)) return;
    const other = exchange ? { exchanged: this.#mustFind(to) } : {};
    this.#change({ end, kind: 'rename', node, from: this.#place(path), to: this.#place(to), ...other });
  }

  link(end: number, path: string, to: string): void {
    this.#change({ end, kind: 'link', node: this.#mustFind(path), to: this.#place(to) });
  }

  /** A name that the layer has not seen come, such as a socket's, goes without a trace. */
  remove(end: number, path: string): void {
    const node = this.find(path);
    if (node !== undefined) this.#change({ end, kind: 'remove', node, from: this.#place(path) });
  }

  /** The changes for which `isDurable` holds survive every power loss from here on. */
  settle(isDurable: (change: NameChange) => boolean): void {
    this.#pending = this.#pending.filter((change) => {
      if (!isDurable(change)) return true;
      applyNames(change, (folder) => folder.synced);
      return false;
    });
  }

  #change(change: NameChange): void {
    applyNames(change, (folder) => folder.now);
    this.#pending.push(change);
  }

  #mustFind(path: string): TreeNode {
    const node = this.find(path);
    if (node === undefined) throw new Error(`the journal speaks of ${path}, which it has never made`);
    return node;
  }

  #place(path: string): Place {
    const folder = this.#mustFind(dirname(path));
    if (!(folder instanceof FolderNode)) throw new Error(`${dirname(path)} is no folder`);
    return { folder, name: basename(path) };
  }
}

/** `namesOf`: the names of a folder in the state that is to change. */
export function applyNames(change: NameChange, namesOf: (folder: FolderNode) => Map<string, TreeNode>): void {
  const { from, to, node, exchanged } = change;
  if (from !== undefined && exchanged !== undefined) namesOf(from.folder).set(from.name, exchanged);
  // Where an earlier change was lost another node may bear the name.
  else if (from !== undefined && namesOf(from.folder).get(from.name) === node) namesOf(from.folder).delete(from.name);
  if (to !== undefined) namesOf(to.folder).set(to.name, node);
}
