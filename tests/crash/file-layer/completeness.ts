import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Disk } from './disk.ts';
import { contentNow } from './file-state.ts';
import { FolderNode, LinkNode } from './folder-tree.ts';

/**
 * Where the folder that was watched is not what its journal says, once all processes have ended: some way of writing
 * escaped the file layer. Empty when the journal holds everything. Files that were mapped are passed over, and sockets.
 */
export function differencesFromFolder(disk: Disk): string[] {
  return compare(disk, disk.tree.root, disk.journal.root);
}

function compare(disk: Disk, folder: FolderNode, path: string): string[] {
  const found: string[] = [];
  for (const name of new Set([...folder.now.keys(), ...readdirSync(path)])) {
    const at = join(path, name);
    const node = folder.now.get(name);
    const real = lstatSync(at, { throwIfNoEntry: false });
    if (node === undefined) {
      if (real?.isFile() || real?.isDirectory()) found.push(`${at} is not in the journal`);
    } else if (real === undefined) found.push(`${at} is in the journal only`);
    else if (node instanceof FolderNode) found.push(...compare(disk, node, at));
    else if (!(node instanceof LinkNode) && !disk.mapped.has(node) && !contentNow(node).equals(readFileSync(at))) found.push(`${at} holds other bytes`);
  }
  return found;
}
