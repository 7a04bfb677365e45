/**
 * A disk that follows a journal up to a moment, and what it may hold when the power goes at that moment.
 *
 * Two models of what a file system owes:
 *
 * - `posix`, the least: fsync of a file keeps its contents, fsync of a folder the names in it, each as of when the call
 *   began, and nothing else ("Calling fsync() does not necessarily ensure that the entry in the directory containing the
 *   file has also reached disk", fsync(2)). Anything else is kept or lost on its own, in any order.
 * - `ordered`, ext4 with data=ordered: changes of names reach the disk in their order, and with an fsync all that came
 *   before the last one of the file in question (one journal transaction holds them all: i_sync_tid and, for fdatasync,
 *   i_datasync_tid in fs/ext4/fsync.c); a file never shows room that was not written.
 *
 * That applications must expect the first is the finding of Pillai et al., "All File Systems Are Not Created Equal"
 * (OSDI 2014); which reorderings real file systems show, of the same and of Mohan et al., CrashMonkey (OSDI 2018).
 */
import { FolderNode, FolderTree, LinkNode, type NameChange, type TreeNode } from './folder-tree.ts';
import { FileState } from './file-state.ts';
import type { Effect, Journal } from './journal.ts';

export type DiskModel = 'posix' | 'ordered';

/** Files and folders that came at a path that `of` names, behind the first `from` bytes of the journal: their syncs keep nothing. */
export interface LostSyncs {
  readonly of: (path: string) => boolean;
  readonly from: number;
}

export class Disk {
  readonly journal: Journal;
  readonly model: DiskModel;
  readonly tree: FolderTree;
  /** Files that were mapped shared and writable: what went in through the map is unknown. */
  readonly mapped = new Set<FileState>();
  readonly #byInode = new Map<number, TreeNode>();
  readonly #lost: LostSyncs | undefined;
  readonly #unsynced = new Set<TreeNode>();
  #next = 0;
  #at = 0;

  /** `lost`: a disk that is worse than it says, `posix` only. */
  constructor(journal: Journal, model: DiskModel, lost?: LostSyncs) {
    if (lost !== undefined && model !== 'posix') throw new Error('syncs get lost on disks of the model posix only');
    this.journal = journal;
    this.model = model;
    this.#lost = lost;
    this.tree = new FolderTree(journal.root);
    this.#byInode.set(journal.rootInode, this.tree.root);
  }

  /** Goes on to the moment at which the journal was `at` bytes long. Time does not go back. */
  advance(at: number): void {
    if (at < this.#at) throw new Error(`the disk is at ${this.#at}, so it can't be shown at ${at}`);
    this.#at = at;
    const { effects } = this.journal;
    for (; this.#next < effects.length && effects[this.#next]!.end <= at; this.#next++) this.#apply(effects[this.#next]!);
  }

  #apply(effect: Effect): void {
    const { end } = effect;
    switch (effect.kind) {
      case 'write': return this.#file(effect.ino)?.add({ end, kind: 'write', offset: effect.offset, bytes: effect.bytes, synced: effect.synced });
      case 'truncate': return this.#file(effect.ino)?.add({ end, kind: 'truncate', size: effect.size });
      case 'open': return this.#open(effect);
      case 'mkdir': return this.#create(end, effect.path, effect.ino, new FolderNode());
      case 'symlink': return this.tree.create(end, effect.path, new LinkNode(effect.target));
      case 'rename': return this.tree.rename(end, effect.path, effect.to, effect.exchanged);
      case 'link': return this.tree.link(end, effect.path, effect.to);
      case 'unlink':
      case 'rmdir': return this.tree.remove(end, effect.path);
      case 'sync': return this.#sync(effect);
      case 'syncAll': {
        for (const node of this.#byInode.values()) if (node instanceof FileState) node.sync(effect.begun);
        return this.tree.settle((change) => change.end <= effect.begun);
      }
      case 'map': {
        const file = this.#file(effect.ino);
        if (file !== undefined) this.mapped.add(file);
      }
    }
  }

  #open({ end, ino, path, truncated }: Effect & { kind: 'open' }): void {
    const known = this.tree.find(path);
    if (known === undefined) this.#create(end, path, ino, new FileState());
    else if (known !== this.#byInode.get(ino)) throw new Error(`${path} is another file than the journal has made`);
    else if (truncated) this.#file(ino)?.add({ end, kind: 'truncate', size: 0 });
  }

  #create(end: number, path: string, ino: number, node: TreeNode): void {
    this.tree.create(end, path, node);
    this.#byInode.set(ino, node);
    if (this.#lost !== undefined && end > this.#lost.from && this.#lost.of(path)) this.#unsynced.add(node);
  }

  #sync({ ino, begun, dataOnly }: Effect & { kind: 'sync' }): void {
    const node = this.#byInode.get(ino);
    if (node === undefined || this.#unsynced.has(node)) return;
    const resized = node instanceof FileState && node.sync(begun);
    if (this.model === 'posix') {
      // The name is where it was put: of a move to another folder it is the folder it went to that counts.
      if (node instanceof FolderNode) this.tree.settle((change) => change.end <= begun && (change.to ?? change.from)!.folder === node && !this.#unsynced.has(change.node));
      return;
    }
    const concerns = (change: NameChange): boolean =>
      resized || (dataOnly ? change.kind === 'create' && change.node === node : change.node === node || change.to?.folder === node || change.from?.folder === node);
    const last = this.tree.pending.findLast((change) => change.end <= begun && concerns(change));
    if (last !== undefined) this.tree.settle((change) => change.end <= last.end);
  }

  #file(ino: number): FileState | undefined {
    const node = this.#byInode.get(ino);
    return node instanceof FileState ? node : undefined;
  }
}
