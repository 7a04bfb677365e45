import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openControl } from '@tidemark/control';
import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { guardAccess } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { answerFailures } from '../failures.ts';
import { setSchemaCompilers } from '../validation.ts';
import { backupRoutes } from './backups.ts';

test('a snapshot takes an admin token, is made one at a time, noted, and removed by its name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-backups-'));
  const control = await openControl(join(folder, 'control.db'));
  const app = fastify() as FastifyInstance;
  onTestFinished(async () => {
    await app.close();
    await control.close();
    rmSync(folder, { recursive: true });
  });
  setSchemaCompilers(app);
  answerFailures(app);
  guardAccess(app, control);
  const held = new Set<string>();
  let busy = false;
  const backups: NonNullable<ApiDeps['backups']> = {
    async take() {
      if (busy) return undefined;
      held.add('s1');
      return { id: 's1', takenAtMs: Date.UTC(2026, 0, 1), heldMs: 7 };
    },
    remove: async (id) => held.delete(id),
  };
  backupRoutes(app, { control, backups } as unknown as ApiDeps);
  const { project, apiToken } = await control.ensureFirstProject();
  const { secret } = await control.tokens.create({ project, name: 'Reader', actor: 't' });
  const call = async (method: 'POST' | 'DELETE', url: string, token: string) => {
    const reply = await app.inject({ method, url, headers: { authorization: `Bearer ${token}` } });
    return [reply.statusCode, reply.body === '' ? undefined : (reply.json() as { code?: string })];
  };

  expect(await call('POST', '/api/backups', secret)).toEqual([403, expect.objectContaining({ code: 'forbidden' })]);
  expect(await call('POST', '/api/backups', apiToken!)).toEqual([201, { id: 's1', takenAt: '2026-01-01T00:00:00.000Z', heldMs: 7 }]);
  expect((await control.audit.list(project, { limit: 1 }))[0]).toMatchObject({ action: 'backup.create', subject: 's1' });
  busy = true;
  expect(await call('POST', '/api/backups', apiToken!)).toEqual([409, expect.objectContaining({ code: 'backup_running' })]);
  expect(await call('DELETE', '/api/backups/s1', secret)).toEqual([403, expect.objectContaining({ code: 'forbidden' })]);
  expect(await call('DELETE', '/api/backups/s1', apiToken!)).toEqual([204, undefined]);
  expect(await call('DELETE', '/api/backups/..%2Flog', apiToken!)).toEqual([404, expect.objectContaining({ code: 'backup_not_found' })]);
});
