/** Small files of ours with a bit flipped or their tail cut: each says so, or is made anew where it holds nothing. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbLogWriter, LmdbPositions } from '@tidemark/log';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { resumeFileOf } from '../import/resume-file.ts';
import { refuseDamagedLog, setDamagedPositionsAside } from './damaged-log.ts';
import { lockFolder } from './folder-lock.ts';
import { readServerRecord, writeServerRecord } from './server-record.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tidemark-damaged-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function flip(path: string, at: number, mask = 1): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= mask;
  writeFileSync(path, bytes);
}

/** Flips a bit of each copy of `text`, some bytes before or behind: pages of before may hold it too. */
function flipAt(path: string, text: string, shift = 0, mask = 1): void {
  const bytes = readFileSync(path);
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) flip(path, at + shift, mask);
}

test('a lock file holds nothing, so one with something in it still locks, for one', async () => {
  (await lockFolder(folder, 'engine', 0)).release();
  writeFileSync(join(folder, 'run', 'engine.lock'), 'litter, and more of it than a header of SQLite is long'.repeat(10));
  const lock = await lockFolder(folder, 'engine', 2_000);
  await expect(lockFolder(folder, 'engine', 0)).rejects.toMatchObject({ code: 'data_in_use' });
  lock.release();
});

test('a server record that is broken is none', () => {
  mkdirSync(join(folder, 'run'));
  writeServerRecord(folder, { url: 'http://127.0.0.1:7070', pid: 7, version: '1', startedAt: '' });
  const path = join(folder, 'run', 'server.json');
  const good = readFileSync(path);
  for (let at = 0; at < good.length; at++) {
    writeFileSync(path, good);
    flip(path, at, 0x80);
    const record = readServerRecord(folder);
    if (record !== undefined) expect(URL.canParse(record.url) && record.pid > 0).toBe(true);
  }
  for (let length = 0; length < good.length - 2; length++) {
    writeFileSync(path, good.subarray(0, length));
    expect(readServerRecord(folder)).toBeUndefined();
  }
});

test('a flipped bit or a cut in a resume file begins the import again: it never skips a row', () => {
  const file = resumeFileOf(join(folder, 'resume'));
  file.write({ sha256: 'a', options: 'b', row: 1_000 } as never);
  const good = readFileSync(file.path);
  expect(file.read('a', 'b')?.row).toBe(1_000);
  for (let bit = 0; bit < good.length * 8; bit++) {
    writeFileSync(file.path, good);
    flip(file.path, bit >> 3, 1 << (bit & 7));
    expect(file.read('a', 'b')).toBeUndefined();
  }
  writeFileSync(file.path, good.subarray(0, good.length - 1));
  expect(file.read('a', 'b')).toBeUndefined();
});

test('a damaged log is refused with what can still be read; damaged positions are put aside', async () => {
  const folders = { log: join(folder, 'log'), positions: join(folder, 'positions') };
  refuseDamagedLog(folders);
  const log = await LmdbLogWriter.open(folders.log);
  for (const text of ['first', 'second', 'third']) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    await log.append([{ topic: 'events', partition: 0, count: 1, bytes: Buffer.concat([length, Buffer.from(text)]) }], [], log.stamp());
  }
  const { epoch } = log;
  await log.close();
  refuseDamagedLog(folders);
  const data = join(folders.log, 'data.mdb');
  const good = readFileSync(data);
  flipAt(data, 'second');
  expect(() => refuseDamagedLog(folders)).toThrow(
    expect.objectContaining({ code: 'log_damaged', message: expect.stringMatching(/the batch at offset 1, of 1 records, fails its checksum\. Offsets that can be read: events 0-0, 2-2; quarantine none\.$/) as string }) as Error,
  );
  // What every store has is nobody's loss.
  const positions = new LmdbPositions(folders.positions);
  await positions.set('events', 0, { epoch, offset: 2, metadata: '' });
  await positions.set('quarantine', 0, { epoch, offset: 0, metadata: '' });
  await positions.close();
  refuseDamagedLog(folders);
  expect(setDamagedPositionsAside(folders.positions, 7)).toBeUndefined();
  flip(join(folders.positions, 'data.mdb'), 24 + 128, 4);
  expect(setDamagedPositionsAside(folders.positions, 7)).toMatch(/are damaged \(its two meta pages .*found again in the stores\. The folder is kept/);
  expect(readdirSync(folder)).toContain('positions.damaged-7');
  // A batch of another format, as a newer version may write one.
  writeFileSync(data, good);
  flipAt(data, 'third', -24, 0x30);
  expect(() => refuseDamagedLog(folders)).toThrow(expect.objectContaining({ code: 'log_format_unknown' }) as Error);
});
