/** What a run leaves behind if it is cut off: processes and folders, ended and removed when this process ends. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { benchFolder } from '../options.ts';

const folders = new Set<string>();
const children = new Set<ChildProcess>();

export function newFolder(parent = benchFolder()): string {
  const folder = mkdtempSync(join(parent, 'tidemark-bench-'));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** Ends `child` with this process, if it has not ended by itself. */
export function endWithUs(child: ChildProcess): ChildProcess {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

process.on('exit', () => {
  // SIGKILL, as nobody is left to wait; a server's own processes end when their supervisor is gone.
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
