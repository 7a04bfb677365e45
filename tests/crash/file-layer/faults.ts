import { renameSync, writeFileSync } from 'node:fs';

export interface FaultRule {
  error: 'EIO' | 'ENOSPC' | 'EROFS' | 'EDQUOT';
  /** A file or folder below the layer's root, without white space; a folder stands for all in it. */
  path: string;
  /** `write`: contents; `sync`: fsync and fdatasync; `through`: contents by a descriptor that syncs each write; `name`: create, rename, link, mkdir, unlink. */
  effects: readonly ('write' | 'sync' | 'through' | 'name')[] | 'all';
}

/** From now on the calls that a rule matches fail, in every process over the layer; no rules: none do. */
export function setFaults(control: string, rules: readonly FaultRule[]): void {
  const lines = rules.map(({ error, path, effects }) => `${error} ${path} ${effects === 'all' ? 'all' : effects.join(',')}\n`);
  // A new inode each time: that is how the layer notices.
  writeFileSync(`${control}.new`, lines.join(''));
  renameSync(`${control}.new`, control);
}
