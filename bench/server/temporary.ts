/** What a run leaves behind if it is cut off: folders and processes, removed and killed when this process ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { benchFolder } from '../options.ts';
import { processTree } from './process-tree.ts';

const folders = new Map<string, { forWholeRun: boolean }>();

/** Removed at the end of the measure that made it, or with `forWholeRun` when the process ends. */
export function newFolder({ forWholeRun = false } = {}): string {
  const folder = mkdtempSync(join(benchFolder(), 'tidemark-bench-'));
  folders.set(folder, { forWholeRun });
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.delete(folder);
}

/** Ends and removes what a measure that failed has left, so that it does not disturb the next one. */
export function sweep(): void {
  killAllBelowUs();
  for (const [folder, { forWholeRun }] of folders) if (!forWholeRun) removeFolder(folder);
}

function killAllBelowUs(): void {
  const [, ...below] = processTree(process.pid);
  for (const { pid } of below) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

process.on('exit', () => {
  killAllBelowUs();
  for (const folder of folders.keys()) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
