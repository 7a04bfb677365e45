import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openControl } from './open-control.ts';
import { failure, temporaryControl, temporaryControlPath } from './testing.ts';

test('the first start makes a project that can be sent to and asked', async () => {
  const control = await temporaryControl();
  const first = await control.ensureFirstProject();
  expect(first).toMatchObject({ created: true, warnings: [] });
  expect(first.writeKey).toMatch(/^c[0-9a-z]{24}$/);
  expect(first.apiToken).toMatch(/^tm_[0-9a-z]{40}$/);
  expect(await control.authenticateToken(first.apiToken as string)).toMatchObject({
    project: first.project,
    admin: true,
  });
  expect(await control.settings.get(first.project)).toEqual({ bots: 'flag', ip: 'drop', retentionDays: null, consentCategory: 'analytics', quarantineDays: 90, rollups: { properties: [] }, channels: [] });
});

test('later starts find the same project and key, and no longer know the token', async () => {
  const path = temporaryControlPath();
  const before = await openControl(path);
  const first = await before.ensureFirstProject();
  await before.close();
  const again = await (await temporaryControl({ path })).ensureFirstProject();
  expect(again).toEqual({ ...first, apiToken: undefined, created: false });
});

test('presets are used on the first start and added on a later one', async () => {
  const control = await temporaryControl();
  const first = await control.ensureFirstProject({ writeKey: 'my-key', apiToken: 'my-token' });
  expect(first).toMatchObject({ writeKey: 'my-key', apiToken: 'my-token', created: true });
  expect(await control.ensureFirstProject({ writeKey: 'my-key', apiToken: 'my-token' })).toEqual({
    ...first,
    created: false,
  });

  const second = await control.ensureFirstProject({ writeKey: 'other-key', apiToken: 'other-token' });
  expect(second).toMatchObject({
    project: first.project,
    writeKey: 'other-key',
    apiToken: 'other-token',
    warnings: [],
  });
  expect((await control.keys.list(first.project)).map(({ key }) => key).sort()).toEqual(['my-key', 'other-key']);
  expect(await control.authenticateToken('my-token')).toBeDefined();
  expect(await control.authenticateToken('other-token')).toBeDefined();
});

test('empty presets count as absent', async () => {
  const control = await temporaryControl();
  expect((await control.ensureFirstProject({ writeKey: '', apiToken: '' })).writeKey).toMatch(/^c/);
});

test('a preset that was revoked stays revoked, and the operator is told', async () => {
  const control = await temporaryControl();
  const { project } = await control.ensureFirstProject({ writeKey: 'leaked', apiToken: 'leaked-token' });
  await control.keys.revoke({ project, key: 'leaked', actor: 'test' });
  await control.tokens.create({ project, name: 'next', admin: true, actor: 'test' });
  const [first] = await control.tokens.list(project);
  await control.tokens.revoke({ project, id: first?.id as string, actor: 'test' });

  const again = await control.ensureFirstProject({ writeKey: 'leaked', apiToken: 'leaked-token' });
  expect(again).toMatchObject({ writeKey: undefined, apiToken: undefined });
  expect(again.warnings).toEqual([
    'TIDEMARK_WRITE_KEY names a write key that was revoked: set another.',
    'TIDEMARK_API_TOKEN names an API token that was revoked: set another.',
  ]);
  expect(await control.authenticateToken('leaked-token')).toBeUndefined();
});

test('a preset that belongs to another project stays there', async () => {
  const control = await temporaryControl();
  const first = await control.ensureFirstProject();
  const demo = await control.projects.create({ name: 'Demo', actor: 'test' });
  const again = await control.ensureFirstProject({ writeKey: demo.key.key });
  expect(again).toMatchObject({ project: first.project, writeKey: first.writeKey });
  expect(again.warnings).toHaveLength(1);
});

test.each(['with space', 'with:colon', 'é', 'x'.repeat(201)])(
  'the preset write key %j is refused',
  async (writeKey) => {
    const control = await temporaryControl();
    expect(await failure(control.ensureFirstProject({ writeKey }))).toMatchObject({
      code: 'illegal_key',
      field: 'key',
    });
    expect(await control.projects.list()).toEqual([]);
  },
);

test('two processes that start at once make one project', async () => {
  const path = temporaryControlPath();
  const both = await Promise.all([temporaryControl({ path }), temporaryControl({ path })]);
  const made = [await both[0].ensureFirstProject(), await both[1].ensureFirstProject()];
  expect(made.map(({ created }) => created)).toEqual([true, false]);
  expect(await both[0].projects.list()).toHaveLength(1);
});

test('only its owner can read the file', async () => {
  const path = temporaryControlPath();
  await temporaryControl({ path });
  expect(statSync(path).mode & 0o077).toBe(0);
  expect(statSync(`${path}-wal`).mode & 0o077).toBe(0);
});
