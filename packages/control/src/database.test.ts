import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompiledQuery } from 'kysely';
import Libsql from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from './database.ts';
import { openControl } from './open-control.ts';
import { failure, temporaryControlPath } from './testing.ts';

test('a file from a newer Tidemark, and one that is no database, are refused in words', async () => {
  const path = temporaryControlPath();
  await (await openControl(path)).close();
  const db = new Libsql(path);
  db.exec('PRAGMA user_version = 999');
  db.close();
  expect(await failure(openControl(path))).toMatchObject({ code: 'control_too_new' });
  expect(await failure(openControl('/dev/null/control.db'))).toMatchObject({ code: 'control_unavailable' });
});

test('a disk that takes no more is told, changes nothing, and is forgotten once there is room', async () => {
  const { db } = openDatabase(temporaryControlPath());
  const pages = (most: number) => db.executeQuery(CompiledQuery.raw(`PRAGMA max_page_count = ${most}`));
  const add = (id: string) => db.transaction().execute((trx) => trx.insertInto('audit').values({ at_ms: 1, project: id, actor: '', action: 'x', subject: '', detail: JSON.stringify('x'.repeat(100_000)) }).execute());
  await add('before');
  await pages(1);
  expect(await failure(add('meanwhile'))).toMatchObject({ code: 'control_unavailable', message: expect.stringContaining('nothing was changed') });
  expect(await failure(db.insertInto('audit').values({ at_ms: 1, project: 'alone', actor: '', action: 'x', subject: '', detail: JSON.stringify('x'.repeat(100_000)) }).execute())).toMatchObject({ code: 'control_unavailable' });
  await pages(1_000_000);
  await add('after');
  expect(await db.selectFrom('audit').select('project').orderBy('project').execute()).toEqual([{ project: 'after' }, { project: 'before' }]);
  await db.destroy();
});

test('a damaged file is refused at start, before it answers wrongly', async () => {
  const path = temporaryControlPath();
  const control = await openControl(path);
  await control.ensureFirstProject();
  await control.close();
  const bytes = readFileSync(path);
  bytes.fill(0xaa, 4096, bytes.length);
  writeFileSync(path, bytes);
  expect(await failure(openControl(path))).toMatchObject({ code: 'control_corrupt' });
  writeFileSync(path, 'this is no database, and long enough to be looked at'.repeat(100));
  expect(await failure(openControl(path))).toMatchObject({ code: 'control_corrupt' });
});

/** What an administrator sees, or the code of the refusal. */
async function seen(path: string): Promise<string> {
  try {
    const control = await openControl(path);
    try {
      const projects = await control.projects.list();
      const all = await Promise.all(projects.map(async ({ id }) => [await control.settings.get(id), await control.sources.list(id), await control.keys.list(id), await control.tokens.list(id), await control.audit.list(id)]));
      return JSON.stringify([projects, all]);
    } finally {
      await control.close();
    }
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^control_/) as string });
    return (error as { code: string }).code;
  }
}

/** As a disk does it: the time of change stays. */
function damage(path: string, change: (bytes: Buffer) => Buffer): void {
  const { mtimeMs } = statSync(path);
  writeFileSync(path, change(readFileSync(path)));
  putBack(path, mtimeMs);
}

/** The time of change, to the millisecond. */
function putBack(path: string, mtimeMs: number): void {
  const seconds = (Math.floor(mtimeMs) + 0.5) / 1000;
  utimesSync(path, seconds, seconds);
}

test('a bit flipped or a tail cut while it was closed is told, also where SQLite finds its structure whole', async () => {
  const path = temporaryControlPath();
  const control = await openControl(path);
  const { project } = await control.ensureFirstProject();
  for (const name of ['Web shop', 'App']) await control.sources.create({ project, name, actor: 'test' });
  await control.close();
  const size = statSync(path).size;
  const good = readFileSync(path);
  const { mtimeMs } = statSync(path);
  for (let round = 0; round < 60; round++) {
    writeFileSync(path, good);
    putBack(path, mtimeMs);
    if (round % 6 === 0) damage(path, (bytes) => bytes.subarray(0, (size * round) / 60));
    else damage(path, (bytes) => flipped(bytes, Math.floor((size * round) / 60) + round));
    expect(await seen(path), `round ${round}`).toBe('control_corrupt');
  }
  writeFileSync(path, good);
  putBack(path, mtimeMs);
  const before = await seen(path);
  // A broken seal says nothing of the file.
  damage(`${path}.seal`, (bytes) => flipped(bytes, 40));
  expect(await seen(path)).toBe(before);
  // Neither does one of before somebody wrote to it.
  const other = new Libsql(path);
  other.exec("UPDATE projects SET name = 'Renamed'");
  other.close();
  expect(await seen(path)).toContain('Renamed');
});

test('after a kill: a bit flipped in the write-ahead log does not undo changes in silence, but in the last one of all', async () => {
  const path = temporaryControlPath();
  const control = await openControl(path);
  const { project } = await control.ensureFirstProject();
  for (let index = 0; index < 8; index++) await control.sources.create({ project, name: `Source ${index}`, actor: 'test' });
  const killed = mkdtempSync(join(tmpdir(), 'tidemark-control-killed-'));
  onTestFinished(() => rmSync(killed, { recursive: true }));
  const copy = join(killed, 'control.db');
  const files = [path, `${path}-wal`].map((file) => readFileSync(file));
  await control.close();
  const put = (): void => {
    rmSync(killed, { recursive: true });
    mkdirSync(killed);
    files.forEach((bytes, index) => writeFileSync(index === 0 ? copy : `${copy}-wal`, bytes));
  };
  put();
  const sound = await seen(copy);
  expect(sound).toContain('Source 7');
  const wal = files[1]!;
  let told = 0;
  for (let round = 0; round < 60; round++) {
    put();
    damage(`${copy}-wal`, (bytes) => flipped(bytes, Math.floor((wal.length * round) / 60) + (round % 24)));
    const found = await seen(copy);
    if (found === 'control_corrupt') told++;
    // The last transaction might as well be one that the power cut: all before it stands.
    else if (found !== sound) expect(found, `round ${round}`).toContain('Source 6');
  }
  expect(told).toBeGreaterThan(40);
  put();
  truncateSync(`${copy}-wal`, wal.length - 100);
  expect(await seen(copy)).toContain('Source 6');
});

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[Math.min(at, bytes.length - 1)]! ^= 1 << (at % 8);
  return changed;
}
