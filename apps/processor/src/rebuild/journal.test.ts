import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readJournal, RebuildJournal } from './journal.ts';

let folder: string;
let path: string;
let journal: RebuildJournal;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-journal-'));
  path = join(folder, 'rebuild.journal');
  journal = new RebuildJournal(path);
  journal.begin({ scope: {}, startedAtMs: 1, partitions: null, definition: 'as it is' });
  journal.copied(['a', 'b'], 7);
  journal.swapping({ events: 'id' });
});
afterEach(() => rmSync(folder, { recursive: true }));

const WHOLE = { copied: new Set(['a', 'b']), rows: 7, swapping: { events: 'id' }, swapped: false, ended: undefined, isDamaged: false };

it('tells what was written, line by line', () => {
  expect(readJournal(path)).toMatchObject(WHOLE);
  journal.swapped();
  journal.ended({ as: 'done', atMs: 2, rows: 7 });
  expect(journal.read()).toMatchObject({ ...WHOLE, swapped: true, ended: { as: 'done', atMs: 2, rows: 7 } });
});

it('a torn last line never happened, and does not stand in front of the next', () => {
  const bytes = readFileSync(path);
  for (let kept = bytes.lastIndexOf('\n', -2) + 1; kept < bytes.length; kept++) {
    writeFileSync(path, bytes.subarray(0, kept));
    expect(journal.read(), `${kept} bytes`).toMatchObject({ rows: 7, swapping: undefined, isDamaged: false });
    journal.ended({ as: 'cancelled', atMs: 3, rows: 7 });
    expect(journal.read(), `${kept} bytes`).toMatchObject({ rows: 7, swapping: undefined, ended: { as: 'cancelled' }, isDamaged: false });
  }
});

it('a flipped bit is told, and the other lines are known, also those that come later', () => {
  const bytes = readFileSync(path);
  const firstEnd = bytes.indexOf('\n');
  for (let at = 0; at < bytes.length - 1; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 1 << at % 8;
    writeFileSync(path, flipped);
    const state = journal.read();
    if (at <= firstEnd) {
      // Nothing that could be gone on with; where the line's end is gone, so is the line behind it.
      expect(state, `byte ${at}`).toBeUndefined();
      continue;
    }
    expect(state, `byte ${at}`).toMatchObject({ isDamaged: true, ended: undefined });
    journal.ended({ as: 'failed', atMs: 3, rows: 0 });
    expect(journal.read()?.ended, `byte ${at}`).toMatchObject({ as: 'failed' });
  }
});

it('an empty file, and one of rubbish, is none', () => {
  truncateSync(path);
  expect(journal.read()).toBeUndefined();
  appendFileSync(path, 'rubbish\n');
  expect(journal.read()).toBeUndefined();
});
