/**
 * Queued events in files of one folder, so that they outlive the process. Each client appends to a file of its own, a
 * line of JSON for each change: `{"add": event}` or `{"remove": [ids]}`; when most of it is of the past, it is written
 * anew. Files of clients that are gone are read by the next one and removed once their events are in its own file. A
 * line that broke off is passed over.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Journal, QueuedEvent } from '@tidemark/sdk-core';
import { addLine, readSpooled, removeLine } from './spool-lines.ts';

export interface SpoolOptions {
  folder: string;
  /** Only files of the same write key are taken over: the others are of another source, maybe of another project. */
  writeKey: string;
  /** Tells this client from others of the process, and from an earlier process with the same pid, as containers have. */
  instanceId: string;
  pid?: number;
  /** The file has at most so many bytes beside twice those of what waits, and one write more. */
  slackBytes?: number;
}

export interface SpoolJournal extends Journal {
  /** Ends writing. What waits stays, for the next client; where nothing does, the file goes. Never rejects. */
  close(): Promise<void>;
}

const NAME = /^(\d+)-([0-9a-f]{8})-[0-9a-f-]+\.ndjson(\.new)?$/;
/** So many events are written at a time when the file is written anew: the host has its turns in between. */
const EVENTS_AT_A_TIME = 500;
/** Files of clients of this process that live: their pid alone does not tell. */
const own = new Set<string>();

export function createSpoolJournal(options: SpoolOptions): SpoolJournal {
  const { folder, writeKey, instanceId, pid = process.pid, slackBytes = 1_000_000 } = options;
  const source = createHash('sha256').update(writeKey).digest('hex').slice(0, 8);
  const ownName = `${pid}-${source}-${instanceId}.ndjson`;
  const ownPath = join(folder, ownName);
  own.add(ownName);
  /** What waits: what the file has to hold. */
  const live = new Map<string, QueuedEvent>();
  let liveBytes = 0;
  /** Changes that are not in the file yet; an event that comes and goes in between never gets there. */
  const added = new Map<string, QueuedEvent>();
  let removed: string[] = [];
  let file: FileHandle | undefined;
  let fileBytes = 0;
  let writing: Promise<void> | undefined;
  let closed = false;

  /** All changes of one turn go together, one write at a time. */
  const save = (): Promise<void> =>
    (writing ??= Promise.resolve()
      .then(async () => {
        while (added.size + removed.length > 0 && !closed) await saveOnce();
      })
      .finally(() => (writing = undefined)));

  async function saveOnce(): Promise<void> {
    // An id that is added anew was removed before.
    const text = removeLine(removed) + [...added.values()].map(addLine).join('');
    forgetChanges();
    try {
      file ??= await openOwn();
      if (fileBytes + text.length > 2 * liveBytes + slackBytes) await writeAnew();
      else await append(file, text);
    } catch (error) {
      await closeFile();
      throw error;
    }
  }

  async function append(to: FileHandle, text: string): Promise<void> {
    await to.appendFile(text);
    fileBytes += Buffer.byteLength(text);
  }

  async function openOwn(): Promise<FileHandle> {
    await mkdir(folder, { recursive: true });
    const handle = await open(ownPath, 'a');
    fileBytes = (await handle.stat()).size;
    // After a write that failed half-way the next line must not be glued to it.
    if (fileBytes > 0) await append(handle, '\n');
    return handle;
  }

  /** What waits, in a file beside, which then takes the other's place: at each moment one of them is whole. */
  async function writeAnew(): Promise<void> {
    forgetChanges();
    const events = [...live.values()];
    const path = `${ownPath}.new`;
    const before = file!;
    file = await open(path, 'w');
    await before.close();
    fileBytes = 0;
    for (let from = 0; from < events.length; from += EVENTS_AT_A_TIME)
      await append(
        file,
        events
          .slice(from, from + EVENTS_AT_A_TIME)
          .map(addLine)
          .join(''),
      );
    await rename(path, ownPath);
  }

  function forgetChanges(): void {
    added.clear();
    removed = [];
  }

  /** The next write opens it again: the folder may come back. */
  async function closeFile(): Promise<void> {
    await file?.close().catch(() => {});
    file = undefined;
  }

  function add(event: QueuedEvent): Promise<void> {
    remove([event.eventId]);
    live.set(event.eventId, event);
    liveBytes += event.bytes;
    added.set(event.eventId, event);
    return save();
  }

  function remove(eventIds: readonly string[]): void {
    for (const id of eventIds) {
      const event = live.get(id);
      if (!event) continue;
      live.delete(id);
      liveBytes -= event.bytes;
      if (!added.delete(id)) removed.push(id);
    }
  }

  /** Of clients that are gone. */
  async function abandoned(): Promise<string[]> {
    await mkdir(folder, { recursive: true });
    return (await readdir(folder))
      .filter((name) => NAME.exec(name)?.[2] === source && !isOwnedByLiving(name, pid))
      .sort();
  }

  return {
    async load() {
      const names = await abandoned();
      const left = new Map<string, QueuedEvent>();
      for (const name of names)
        // A file that was being written anew has nothing that the old one has not.
        if (!name.endsWith('.new'))
          for (const event of await readSpooled(join(folder, name))) left.set(event.eventId, event);
      const events = [...left.values()];
      try {
        await Promise.all(events.map(add));
      } catch (error) {
        remove([...left.keys()]);
        throw error;
      }
      await Promise.all(names.map((name) => unlink(join(folder, name)).catch(() => {})));
      return events;
    },
    add,
    remove(eventIds) {
      remove(eventIds);
      return save();
    },
    async clear() {
      for (const name of await abandoned()) await unlink(join(folder, name));
      remove([...live.keys()]);
      await save();
    },
    async close() {
      await writing?.catch(() => {});
      closed = true;
      await closeFile();
      own.delete(ownName);
      if (live.size === 0) await unlink(ownPath).catch(() => {});
    },
  };
}

/** A process of ours with that pid runs still; another life of this very pid does not. */
function isOwnedByLiving(name: string, ownPid: number): boolean {
  const pid = Number(NAME.exec(name)?.[1]);
  if (pid === ownPid) return own.has(name.replace(/\.new$/, ''));
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
