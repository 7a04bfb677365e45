/**
 * A process that sees nothing of the machine but its program, the system's libraries and one folder, of which it may write to the
 * results alone, and has no network: in namespaces of its own (Linux, util-linux), where users may make such. Elsewhere it is a plain process. Either way the kernel
 * lets it make no file that is a block larger than it may.
 *
 * Not Node's permission model, which knows nothing of native code, and no seccomp filter, which needs some.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { RESULTS_FOLDER } from './order.ts';

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

/** `$1` in blocks; where the machine itself allows less, that stays. */
const LIMIT_FILES = 'ulimit -f "$1" 2>/dev/null || true; shift';
/** Of `ulimit -f` (POSIX). */
const BLOCK_BYTES = 512;
/** What the engine writes of its own must fit, whatever a result may have. */
const LEAST_FILE_BYTES = 8 << 20;

/**
 * `$1` blocks that a file may have, `$2` the new root (an empty folder), `$3` the folder, `$4` how many paths follow that are only
 * read; then the command. As process 1 of its own, so that the kernel kills what is left when it is killed.
 */
const SCRIPT = `set -e
${LIMIT_FILES}
root=$1; folder=$2; n=$3; shift 3
mount -t tmpfs -o size=256m,mode=755 tmpfs "$root"
bind() { if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$root$(dirname "$2")"; : > "$root$2"; fi; mount --bind "$1" "$root$2"; }
only_read() { mount -o remount,bind,ro "$1" 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev "$1" 2>/dev/null; }
while [ "$n" -gt 0 ]; do
  if [ -L "$1" ]; then mkdir -p "$root$(dirname "$1")"; cp -P "$1" "$root$1"; else bind "$1" "$1"; only_read "$root$1" || true; fi
  n=$((n-1)); shift
done
bind "$folder" ${INSIDE}
only_read "$root${INSIDE}"
bind "$folder/${RESULTS_FOLDER}" "${INSIDE}/${RESULTS_FOLDER}"
mkdir -p "$root/proc" "$root/tmp" "$root/.old"
mount -t proc proc "$root/proc"
cd "$root"
pivot_root . .old
umount -l /.old
rmdir /.old
cd /
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
`;

/** The command that runs a Node program over one folder, which has one for RESULTS_FOLDER, confined where `canConfine`. `root`: an empty folder. `fileBytes`: of its largest file. */
export function confined(program: string, folder: string, root: string, fileBytes: number): Command {
  const wanted = [...SYSTEM, process.execPath, ...programFolders(program)].filter((path) => existsSync(path));
  const read = wanted.filter((path) => !wanted.some((other) => path.startsWith(`${other}/`)));
  return {
    file: 'unshare',
    args: [
      '--user', '--map-root-user', '--mount', '--net', '--ipc', '--uts', '--pid', '--fork', '--kill-child=KILL',
      'sh', '-c', SCRIPT, 'sh', blocksOf(fileBytes), root, folder, String(read.length), ...read, process.execPath, program,
    ],
    folder: INSIDE,
    env: ENV,
  };
}

/** `own`: where it may put what it needs, which whoever starts it removes. `fileBytes`: of its largest file. */
export function unconfined(program: string, folder: string, own: string, fileBytes: number): Command {
  const args = ['-c', `${LIMIT_FILES}; exec "$@"`, 'sh', blocksOf(fileBytes), process.execPath, program];
  return { file: 'sh', args, folder, env: { ...ENV, TMPDIR: own } };
}

/** One more, as a result that was stopped must be seen to be larger than it may. */
function blocksOf(fileBytes: number): string {
  return String(Math.floor(Math.max(fileBytes, LEAST_FILE_BYTES) / BLOCK_BYTES) + 1);
}

/** Whether this machine lets us: tried with a program that looks whether it still sees a folder of ours. */
export function canConfine(): boolean {
  if (process.platform !== 'linux') return false;
  const own = mkdtempSync(join(tmpdir(), 'tidemark-root-'));
  const [root, folder] = [join(own, 'root'), join(own, 'handed')];
  try {
    for (const each of [root, join(folder, RESULTS_FOLDER)]) mkdirSync(each, { recursive: true });
    const { file, args } = confined(process.execPath, folder, root, LEAST_FILE_BYTES);
    const tried = spawnSync(file, [...args.slice(0, -2), 'test', '!', '-e', root], { timeout: 10_000, stdio: 'ignore' });
    return tried.status === 0;
  } finally {
    rmSync(own, { recursive: true, force: true });
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
