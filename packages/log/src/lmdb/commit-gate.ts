/**
 * Nobody opens an LMDB environment while another process commits to it.
 *
 * LMDB's `mdb_env_open` reads which commit is the newest, and a moment later writes that number where the next write
 * transaction begins; a commit that came between is written over, though it was durable and acknowledged (ITS#9496; lmdb 3.5
 * still has it: six processes that opened a folder again and again took 5 of 4,196 commits, 2026-11-22). So a writer says in
 * the file `commits` that it commits, and then looks whether somebody opens; who opens says so in the folder `opening`, and
 * then looks whether somebody commits: one of the two always sees the other, and waits.
 *
 *   commits    0 process id of the writer, UInt32 · 4 commits under way, UInt32
 *   opening/   a file for each process that opens, by its id; the folder goes with the last of them
 */
import { closeSync, constants, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LogUnavailable } from '../log.ts';

/** Of no use in a copy. */
export const COMMITS = 'commits';
const OPENING = 'opening';
const PAUSE_MS = 1;
/** A commit waits for its disk: 1.4 s were seen. One that lasts longer hangs, or its writer is gone and another process has its id. */
const LONGEST_COMMIT_MS = 60_000;
const LONGEST_WAIT_MS = 10_000;
/** Who opens for longer hangs, or is gone and another process has its id. */
const LONGEST_OPENING_MS = 30_000;

/** The writer's side. */
export class CommitGate {
  readonly #folder: string;
  readonly #descriptor: number;
  readonly #state = Buffer.alloc(8);
  #underWay = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#descriptor = openSync(join(folder, COMMITS), constants.O_RDWR | constants.O_CREAT, 0o600);
    this.#state.writeUInt32LE(process.pid, 0);
    this.#tell(0);
  }

  /** Resolves when nobody opens; until `leave` nobody will. */
  async enter(): Promise<void> {
    for (;;) {
      this.#tell(this.#underWay + 1);
      if (!isOpening(this.#folder)) return;
      this.leave();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  leave(): void {
    this.#tell(this.#underWay - 1);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #tell(underWay: number): void {
    this.#state.writeUInt32LE(underWay, 4);
    writeSync(this.#descriptor, this.#state, 0, this.#state.length, 0);
    this.#underWay = underWay;
  }
}

/**
 * What `open` returns, called while no other process commits to the environment in `folder`. For those who open it to read:
 * there is one writer, and before it has opened nobody commits. Blocks meanwhile, as opening does.
 * @throws LogUnavailable when a commit does not end within 10 s
 */
export function openBetweenCommits<Opened>(folder: string, open: () => Opened): Opened {
  const mark = markOpening(folder);
  try {
    for (let waitedMs = 0; isCommitting(folder); waitedMs += PAUSE_MS) {
      if (waitedMs >= LONGEST_WAIT_MS) throw new LogUnavailable(`A commit to ${folder} does not end, and until then it can't be opened: try again.`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
    return open();
  } finally {
    rmSync(mark, { force: true });
    removeEmpty(join(folder, OPENING));
  }
}

function markOpening(folder: string): string {
  const opening = join(folder, OPENING);
  const mark = join(opening, String(process.pid));
  for (;;) {
    mkdirSync(opening, { recursive: true });
    try {
      writeFileSync(mark, '');
      return mark;
    } catch (error) {
      // Another one's end has removed the folder.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
}

/** Forgets those that can't be opening any more. */
function isOpening(folder: string): boolean {
  const opening = join(folder, OPENING);
  // Mostly it is not, and this says so without an error to be made.
  const names = existsSync(opening) ? unlessGone(() => readdirSync(opening)) : undefined;
  if (names === undefined) return false;
  let any = false;
  for (const name of names) {
    const mark = join(opening, name);
    const sinceMs = unlessGone(() => statSync(mark).mtimeMs);
    if (sinceMs === undefined) continue;
    if (isAlive(Number(name)) && Date.now() - sinceMs < LONGEST_OPENING_MS) any = true;
    else rmSync(mark, { force: true });
  }
  if (!any) removeEmpty(opening);
  return any;
}

/** By this process nobody does: it has an environment once only, however often it is opened. */
function isCommitting(folder: string): boolean {
  const path = join(folder, COMMITS);
  const state = unlessGone(() => readFileSync(path));
  if (state === undefined || state.length < 8 || state.readUInt32LE(4) === 0) return false;
  const writer = state.readUInt32LE(0);
  const sinceMs = unlessGone(() => statSync(path).mtimeMs) ?? 0;
  return writer !== process.pid && isAlive(writer) && Date.now() - sinceMs < LONGEST_COMMIT_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(codeOf(error) ?? '')) throw error;
  }
}

function unlessGone<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
