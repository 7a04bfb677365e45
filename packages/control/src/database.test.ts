import { readFileSync, writeFileSync } from 'node:fs';
import Libsql from 'libsql';
import { expect, test } from 'vitest';
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
