import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryControl, temporaryControlPath, withProject } from './testing.ts';

test('a copy holds what was committed, for its owner only, and lives by itself', async () => {
  const { control, project, token } = await withProject();
  await control.audit.note({ project, actor: 't1', action: 'backup.create', subject: 'b1', detail: { files: 3 } });
  const path = join(dirname(temporaryControlPath()), "it's here", 'control.db');
  await control.copyTo(path);
  await control.projects.rename({ id: project, name: 'Later', actor: 't1' });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(existsSync(`${path}-wal`)).toBe(false);
  const copy = await temporaryControl({ path });
  expect(await copy.authenticateToken(token)).toMatchObject({ project });
  expect((await copy.projects.find(project))?.name).not.toBe('Later');
  expect((await copy.audit.list(project))[0]).toMatchObject({ action: 'backup.create', subject: 'b1', detail: { files: 3 } });
  await expect(control.copyTo(path)).rejects.toThrow(/already exists/);
});
