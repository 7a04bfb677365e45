/**
 * A reader killed -9 while it reads leaves its view of the log behind, and LMDB uses no page again that a view may see:
 * the file would grow for ever (seen: 0.2 to 3.6 GB). The writer's check of its readers, once a minute, frees it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbLogWriter } from '@tidemark/log';
import { expect, it } from 'vitest';
import { bundleProgram } from '@tidemark/warehouse/testing';

const RECORD_BYTES = 256 * 1024;
/** What the log holds at any time: old records are dropped as new ones come. */
const WINDOW = 16;
const APPENDS = 80;

it('a reader killed -9 while it reads pins the log only until the writer looks after its readers', async () => {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-reader-'));
  const log = await LmdbLogWriter.open(path);
  try {
    let end = 0;
    const size = () => statSync(join(path, 'data.mdb')).size;
    const fill = async (): Promise<void> => {
      const bytes = Buffer.alloc(RECORD_BYTES + 4, 7);
      bytes.writeUInt32LE(RECORD_BYTES);
      for (let index = 0; index < APPENDS; index++) {
        await log.append([{ topic: 'events', partition: 0, count: 1, bytes }], [], log.stamp());
        end++;
        await log.drop('events', 0, end - WINDOW, Infinity);
      }
    };
    await fill();
    const steady = size();
    await fill();
    expect(size(), 'steady while nobody reads').toBeLessThan(steady + 4 * RECORD_BYTES);

    const program = await bundleProgram(new URL('reader-killed/reading-process.ts', import.meta.url));
    const reader = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(reader.stdout, 'data');
    reader.kill('SIGKILL');
    await once(reader, 'exit');

    await fill();
    const pinned = size();
    expect(pinned, 'what the dead reader saw is kept').toBeGreaterThan(steady + (APPENDS / 2) * RECORD_BYTES);
    log.checkReaders();
    for (let round = 0; round < 2; round++) await fill();
    expect(size(), 'freed pages are used again').toBeLessThan(pinned + 8 * RECORD_BYTES);
  } finally {
    await log.close();
    rmSync(path, { recursive: true, force: true });
  }
});
