import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failure, temporaryControl, temporaryControlPath, withProject } from './testing.ts';

const actor = 'test';

test('no token or text near it opens anything but the token itself', async () => {
  const { control, project, token } = await withProject();
  const near = fc.oneof(
    fc.string(),
    fc.nat({ max: token.length - 1 }).map((length) => token.slice(0, length)),
    fc
      .tuple(fc.nat({ max: token.length - 1 }), fc.constantFrom('A', ' ', '%', "'"))
      .map(([at, letter]) => token.slice(0, at) + letter + token.slice(at + 1)),
  );
  await fc.assert(
    fc.asyncProperty(near, async (guess) => {
      expect(await control.authenticateToken(guess)).toBeUndefined();
    }),
  );
  expect(await control.authenticateToken(token)).toMatchObject({ project });
});

test('the file holds no token, and the audit log no secret', async () => {
  const path = temporaryControlPath();
  const control = await temporaryControl({ path });
  const { project, apiToken } = await control.ensureFirstProject();
  const bytes = readFileSync(path, 'latin1') + readFileSync(`${path}-wal`, 'latin1');
  expect(bytes).toContain(project);
  expect(bytes).not.toContain(apiToken);
  expect(JSON.stringify(await control.audit.list(project))).not.toContain(apiToken);
});

test('a token that was let in is refused at once when it is revoked, here or by another process', async () => {
  const path = temporaryControlPath();
  const control = await temporaryControl({ path });
  const { project } = await control.ensureFirstProject();
  const beside = await temporaryControl({ path });
  for (const revoker of [control, beside]) {
    const { id, secret } = await beside.tokens.create({ project, name: 'Passing', actor });
    expect(await control.authenticateToken(secret)).toMatchObject({ tokenId: id });
    expect(await control.authenticateToken(secret)).toMatchObject({ tokenId: id });
    await revoker.tokens.revoke({ project, id, actor });
    expect(await control.authenticateToken(secret)).toBeUndefined();
  }
});

test('the use of a token is noted at most once a minute', async () => {
  let nowMs = 1_000_000;
  const control = await temporaryControl({ clock: () => nowMs });
  const { project, apiToken } = await control.ensureFirstProject();
  const lastUsed = async () => (await control.tokens.list(project))[0]?.lastUsedAtMs;
  expect(await lastUsed()).toBeNull();
  await control.authenticateToken(apiToken as string);
  expect(await lastUsed()).toBe(1_000_000);
  nowMs += 59_999;
  await control.authenticateToken(apiToken as string);
  expect(await lastUsed()).toBe(1_000_000);
  nowMs += 1;
  await control.authenticateToken(apiToken as string);
  expect(await lastUsed()).toBe(1_060_000);
});

test('the last token of a project and the last admin token stay', async () => {
  const { control, project } = await withProject();
  const [first] = await control.tokens.list(project);
  expect(await failure(control.tokens.revoke({ project, id: first?.id as string, actor }))).toMatchObject({
    code: 'last_token',
  });
  const plain = await control.tokens.create({ project, name: 'Plain', actor });
  expect(await failure(control.tokens.revoke({ project, id: first?.id as string, actor }))).toMatchObject({
    code: 'last_admin_token',
  });
  expect(await failure(control.projects.delete({ id: project, actor }))).toMatchObject({ code: 'last_admin_token' });
  // A refusal leaves everything as it was.
  expect(await control.tokens.list(project)).toHaveLength(2);
  expect(await control.projects.find(project)).toBeDefined();
  await control.tokens.revoke({ project, id: plain.id, actor });
  expect(await control.authenticateToken(plain.secret)).toBeUndefined();
});

test('a token of another project is not found here', async () => {
  const { control, project } = await withProject();
  const other = await control.projects.create({ name: 'Other', actor });
  await control.tokens.create({ project, name: 'Second', actor });
  expect(await failure(control.tokens.revoke({ project, id: other.token.id, actor }))).toMatchObject({
    code: 'token_not_found',
  });
  expect(await failure(control.keys.revoke({ project, key: other.key.key, actor }))).toMatchObject({
    code: 'key_not_found',
  });
  expect(await control.authenticateToken(other.token.secret)).toMatchObject({
    project: other.project.id,
    admin: false,
  });
});
