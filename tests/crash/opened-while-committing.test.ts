/**
 * Processes that open the log while its writer commits take nothing of it away (see commit-gate.ts: LMDB by itself lost one
 * commit in a thousand). `TIDEMARK_OPENING_SECONDS=60` runs longer.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbLogReader, LmdbLogWriter } from '@tidemark/log';
import { expect, it } from 'vitest';
import { bundleProgram } from '@tidemark/warehouse/testing';

const SECONDS = Number(process.env['TIDEMARK_OPENING_SECONDS'] ?? 4);
const OPENERS = 6;
/** In memory a commit takes so little that the most of them meet somebody who opens. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

it('every acknowledged record is there, however often others open the log', async () => {
  const path = mkdtempSync(join(FOLDER, 'tidemark-opening-'));
  const log = await LmdbLogWriter.open(path);
  const program = await bundleProgram(new URL('opened-while-committing/opening-process.ts', import.meta.url));
  const openers = Array.from({ length: OPENERS }, () => spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] }));
  let opened = 0;
  try {
    for (const { stdout } of openers) stdout.on('data', (said: Buffer) => (opened += said.length));
    await Promise.all(openers.map(({ stdout }) => once(stdout, 'data')));
    let acknowledged = 0;
    for (const endMs = Date.now() + SECONDS * 1000; Date.now() < endMs; acknowledged++) {
      const record = Buffer.from(String(acknowledged).padStart(12));
      const bytes = Buffer.alloc(4 + record.length);
      bytes.writeUInt32LE(record.length);
      record.copy(bytes, 4);
      await log.append([{ topic: 'events', partition: 0, count: 1, bytes }], [{ project: 'p', source: 's', minuteMs: 0, received: 1 }], log.stamp());
    }
    for (const opener of openers) opener.kill('SIGKILL');
    await Promise.all(openers.map((opener) => once(opener, 'exit')));

    const reader = LmdbLogReader.open(path)!;
    const offsets: number[] = [];
    for (let from = 0; from < acknowledged; ) {
      const batches = reader.read('events', 0, from, { maxRecords: 1_000, maxBytes: 1_000_000 });
      offsets.push(...batches.map(({ baseOffset }) => baseOffset));
      from = (offsets.at(-1) ?? acknowledged) + 1;
    }
    const told = `${acknowledged} commits, ${opened} openings`;
    expect(offsets.length, told).toBe(acknowledged);
    expect(reader.snapshot(0).received, told).toEqual([{ project: 'p', source: 's', received: acknowledged }]);
    expect(Math.min(acknowledged, opened), told).toBeGreaterThan(50);
    await reader.close();
  } finally {
    for (const opener of openers) opener.kill('SIGKILL');
    await log.close();
    rmSync(path, { recursive: true, force: true });
  }
}, 180_000 + SECONDS * 1000);
