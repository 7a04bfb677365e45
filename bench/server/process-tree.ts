import { readFileSync } from 'node:fs';

export interface TreeProcess {
  pid: number;
  role: string;
}

/** A process and all below it, with what each is: read from /proc, so on Linux only. */
export function processTree(rootPid: number): TreeProcess[] {
  const found: TreeProcess[] = [];
  const queue = [rootPid];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      found.push({ pid, role: /(\w+)-process\.m?js/.exec(command)?.[1] ?? 'supervisor' });
      queue.push(...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
    } catch {
      // It has ended since its parent was asked.
    }
  }
  return found;
}
