/**
 * A process that sees nothing of the machine but its program, the system's libraries and one folder, and has no network: in
 * namespaces of its own (Linux, util-linux), where users may make such. Elsewhere it is a plain process.
 *
 * Not Node's permission model, which knows nothing of native code, and no seccomp filter, which needs some.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Command {
  file: string;
  args: string[];
  /** Where the process finds the folder. */
  folder: string;
  env: Record<string, string>;
}

const ENV = { PATH: process.env['PATH'] ?? '', TZ: 'UTC' };

/** Where the folder is put. */
const INSIDE = '/handed';
const SYSTEM = ['/usr', '/lib', '/lib64', '/lib32', '/bin', '/etc/ld.so.cache', '/etc/ld.so.conf', '/dev/null', '/dev/urandom', '/dev/random'];

/**
 * `$1` the new root (an empty folder), `$2` the folder, `$3` how many paths follow that are only read; then the command. As
 * process 1 of its own, so that the kernel kills what is left when it is killed.
 */
const SCRIPT = `set -e
root=$1; folder=$2; n=$3; shift 3
mount -t tmpfs -o size=256m,mode=755 tmpfs "$root"
bind() { if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$root$(dirname "$2")"; : > "$root$2"; fi; mount --bind "$1" "$root$2"; }
while [ "$n" -gt 0 ]; do
  if [ -L "$1" ]; then mkdir -p "$root$(dirname "$1")"; cp -P "$1" "$root$1"; else bind "$1" "$1"; mount -o remount,bind,ro "$root$1" 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev "$root$1" 2>/dev/null || true; fi
  n=$((n-1)); shift
done
bind "$folder" ${INSIDE}
mkdir -p "$root/proc" "$root/tmp" "$root/.old"
mount -t proc proc "$root/proc"
cd "$root"
pivot_root . .old
umount -l /.old
rmdir /.old
cd /
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
`;

/** The command that runs a Node program over one folder, confined where `canConfine`. `root`: an empty folder. */
export function confined(program: string, folder: string, root: string): Command {
  const wanted = [...SYSTEM, process.execPath, ...programFolders(program)].filter((path) => existsSync(path));
  const read = wanted.filter((path) => !wanted.some((other) => path.startsWith(`${other}/`)));
  return {
    file: 'unshare',
    args: [
      '--user', '--map-root-user', '--mount', '--net', '--ipc', '--uts', '--pid', '--fork', '--kill-child=KILL',
      'sh', '-c', SCRIPT, 'sh', root, folder, String(read.length), ...read, process.execPath, program,
    ],
    folder: INSIDE,
    env: ENV,
  };
}

/** `own`: where it may put what it needs, which whoever starts it removes. */
export function unconfined(program: string, folder: string, own: string): Command {
  return { file: process.execPath, args: [program], folder, env: { ...ENV, TMPDIR: own } };
}

/** Whether this machine lets us: tried with a program that looks whether it still sees a folder of ours. */
export function canConfine(): boolean {
  if (process.platform !== 'linux') return false;
  const root = mkdtempSync(join(tmpdir(), 'tidemark-root-'));
  try {
    const { file, args } = confined(process.execPath, root, root);
    const tried = spawnSync(file, [...args.slice(0, -2), 'test', '!', '-e', root], { timeout: 10_000, stdio: 'ignore' });
    return tried.status === 0;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Its own folder and the folders of npm packages above it. */
function programFolders(program: string): string[] {
  const folders: string[] = [];
  for (let at = dirname(program); ; at = dirname(at)) {
    if (at === dirname(program) || existsSync(join(at, 'node_modules'))) folders.push(at === dirname(program) ? at : join(at, 'node_modules'));
    if (at === dirname(at)) return folders;
  }
}
