import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openControl } from '@tidemark/control';
import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { guardAccess } from '../access.ts';
import { answerFailures } from '../failures.ts';
import { setSchemaCompilers } from '../validation.ts';
import { adminRoutes } from './index.ts';

interface Reply {
  status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer is read here as any client would read it
  body: any;
  headers: Record<string, unknown>;
}
type Call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object) => Promise<Reply>;

async function server() {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-admin-'));
  const control = await openControl(join(folder, 'control.db'));
  const app = fastify() as FastifyInstance;
  setSchemaCompilers(app);
  answerFailures(app);
  guardAccess(app, control);
  // No rule here has a pattern that would be asked of it.
  adminRoutes(app, { control, warehouse: { query: () => Promise.reject(new Error('not open')) } });
  onTestFinished(async () => {
    await app.close();
    await control.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const first = await control.ensureFirstProject();
  const as =
    (token: string): Call =>
    async (method, url, body) => {
      const headers = { authorization: `Bearer ${token}` };
      const reply = await app.inject({ method, url, headers, ...(body === undefined ? {} : { payload: body }) });
      return { status: reply.statusCode, body: reply.body === '' ? undefined : reply.json(), headers: reply.headers };
    };
  return { as, admin: as(first.apiToken as string), project: first.project, key: first.writeKey as string };
}

test('a token sees its own project, an admin token the names of all', async () => {
  const { as, admin, project } = await server();
  const made = await admin('POST', '/api/projects', { name: 'Demo' });
  expect(made).toMatchObject({
    status: 201,
    headers: { location: `/api/projects/${made.body.project.id}`, 'cache-control': 'no-store' },
  });
  const demo = as(made.body.token.secret);
  const ids = async (call: Call) =>
    (await call('GET', '/api/projects')).body.projects.map((each: { id: string }) => each.id);
  expect(await ids(admin)).toEqual([project, made.body.project.id]);
  expect(await ids(demo)).toEqual([made.body.project.id]);
  expect((await admin('GET', '/api/projects')).body.current).toBe(project);
  expect(await demo('POST', '/api/projects', { name: 'Mine' })).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  });
});

test.each(['', '/settings', '/sources', '/keys', '/tokens', '/audit'])(
  'no token reads %j of another project',
  async (part) => {
    const { as, admin, project } = await server();
    const { body } = await admin('POST', '/api/projects', { name: 'Demo' });
    expect((await as(body.token.secret)('GET', `/api/projects/${body.project.id}${part}`)).status).toBe(200);
    expect(await as(body.token.secret)('GET', `/api/projects/${project}${part}`)).toMatchObject({
      status: 404,
      body: { code: 'project_not_found' },
    });
    expect(await admin('GET', `/api/projects/${body.project.id}${part}`)).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    expect(await as('wrong')('GET', `/api/projects/${project}${part}`)).toMatchObject({ status: 401 });
  },
);

test('settings change one by one, and a wrong one is named', async () => {
  const { admin, project } = await server();
  const url = `/api/projects/${project}/settings`;
  expect((await admin('GET', url)).body).toEqual({ bots: 'flag', ip: 'drop', retentionDays: null, consentCategory: 'analytics', quarantineDays: 90, rollups: { properties: [] }, channels: [] });
  expect((await admin('PUT', url, { retentionDays: 90, bots: 'drop' })).body).toEqual({
    bots: 'drop',
    ip: 'drop',
    retentionDays: 90,
    consentCategory: 'analytics',
    quarantineDays: 90,
    rollups: { properties: [] },
    channels: [],
  });
  expect((await admin('PUT', url, { retentionDays: null, quarantineDays: 90 })).body).toEqual({
    bots: 'drop',
    ip: 'drop',
    retentionDays: null,
    consentCategory: 'analytics',
    quarantineDays: 90,
    rollups: { properties: [] },
    channels: [],
  });
  const rollups = { properties: ['properties.item', 'context.app.version'] };
  expect((await admin('PUT', url, { rollups })).body).toMatchObject({ bots: 'drop', rollups });
  expect((await admin('GET', url)).body).toMatchObject({ rollups });
  for (const name of ['userId', 'context.geo.country', 'properties', 'properties..x', 'person.plan', 'traits.plan']) {
    expect(await admin('PUT', url, { rollups: { properties: ['type', name] } })).toMatchObject({ status: 400, body: { code: 'invalid_value', field: 'rollups.properties[1]', value: name } });
  }
  expect(await admin('PUT', url, { rollups: { properties: Array.from({ length: 9 }, (_, i) => `properties.p${i}`) } })).toMatchObject({ status: 400, body: { field: 'rollups.properties' } });
  const channels = [{ name: 'newsletter', where: [{ property: 'context.campaign.name', op: 'in', value: ['spring', 7, true] }] }, { name: 'direct', where: [] }];
  expect((await admin('PUT', url, { channels })).body).toMatchObject({ rollups, channels });
  expect((await admin('GET', url)).body).toMatchObject({ channels });
  for (const [rule, field, code] of [
    [{ name: '', where: [] }, 'channels.1.name', 'invalid_value'],
    [{ name: 'x' }, 'channels.1.where', 'missing_field'],
    [{ name: 'x', where: [{ property: 'campaign', op: 'is_set' }] }, 'channels[1].where[0].property', 'unknown_property'],
    [{ name: 'x', where: [{ property: 'userId', op: '=' }] }, 'channels[1].where[0].value', 'missing_field'],
  ] as const) {
    expect(await admin('PUT', url, { channels: [channels[0], rule] })).toMatchObject({ status: 400, body: { code, field } });
  }
  expect(await admin('PUT', url, { ip: 'sell' })).toMatchObject({
    status: 400,
    body: { code: 'invalid_value', field: 'ip' },
  });
  expect(await admin('PUT', url, { retentionDays: 0 })).toMatchObject({
    status: 400,
    body: { field: 'retentionDays' },
  });
  expect(await admin('PUT', url, { retention: 3 })).toMatchObject({
    status: 400,
    body: { code: 'unknown_field', field: 'retention' },
  });
  expect(await admin('PUT', url, {})).toMatchObject({ status: 400 });
});

test('sources and keys are made, limited and revoked', async () => {
  const { admin, project, key } = await server();
  const url = `/api/projects/${project}`;
  expect(await admin('POST', `${url}/sources`, { name: 'Web shop' })).toMatchObject({
    status: 201,
    body: { id: 'web-shop' },
  });
  expect(await admin('POST', `${url}/sources`, { id: 'web-shop', name: 'x' })).toMatchObject({
    status: 409,
    body: { code: 'source_exists' },
  });
  expect(await admin('POST', `${url}/sources`, { id: '../x', name: 'x' })).toMatchObject({
    status: 400,
    body: { field: 'id' },
  });
  expect(await admin('POST', `${url}/keys`, { source: 'app' })).toMatchObject({
    status: 404,
    body: { code: 'source_not_found' },
  });

  const made = await admin('POST', `${url}/keys`, { source: 'web-shop', limits: { eventsPerSecond: 50 } });
  expect(made).toMatchObject({
    status: 201,
    body: { source: 'web-shop', limits: { eventsPerSecond: 50, bytesPerSecond: null } },
  });
  expect(made.body.key).toMatch(/^c[0-9a-z]{24}$/);
  const limited = await admin('PUT', `${url}/keys/${made.body.key}`, {
    limits: { eventsPerSecond: null, bytesPerSecond: 1e6 },
  });
  expect(limited.body.limits).toEqual({ eventsPerSecond: null, bytesPerSecond: 1e6 });
  expect(await admin('PUT', `${url}/keys/${made.body.key}`, { limits: { eventsPerSecond: -1 } })).toMatchObject({
    status: 400,
    body: { field: 'limits.eventsPerSecond' },
  });

  expect((await admin('DELETE', `${url}/sources/web-shop`)).status).toBe(204);
  expect((await admin('GET', `${url}/keys`)).body.keys.map((each: { key: string }) => each.key)).toEqual([key]);
  expect((await admin('DELETE', `${url}/keys/${key}`)).status).toBe(204);
  expect(await admin('DELETE', `${url}/keys/${key}`)).toMatchObject({ status: 404, body: { code: 'key_not_found' } });
});

test('a token is shown once, works, and is revoked', async () => {
  const { as, admin, project } = await server();
  const url = `/api/projects/${project}/tokens`;
  const made = await admin('POST', url, { name: 'CI' });
  expect(made).toMatchObject({
    status: 201,
    headers: { 'cache-control': 'no-store' },
    body: { name: 'CI', admin: false, lastUsedAt: null },
  });
  const ci = as(made.body.secret);
  const listed = await ci('GET', url);
  expect(listed.body.tokens).toHaveLength(2);
  expect(JSON.stringify(listed.body)).not.toContain(made.body.secret);
  expect(await ci('POST', url, { name: 'More', admin: true })).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  });
  expect((await admin('DELETE', `${url}/${made.body.id}`)).status).toBe(204);
  expect((await ci('GET', url)).status).toBe(401);
  const last = await admin('DELETE', `${url}/${listed.body.tokens[0].id}`);
  expect(last).toMatchObject({ status: 409, body: { code: 'last_token' } });
});

test('a project goes by its own token or an admin token, but never the last admin token with it', async () => {
  const { as, admin, project } = await server();
  const one = (await admin('POST', '/api/projects', { name: 'One' })).body;
  const two = (await admin('POST', '/api/projects', { name: 'Two' })).body;
  expect(await as(one.token.secret)('DELETE', `/api/projects/${two.project.id}`)).toMatchObject({ status: 404 });
  expect(await as(one.token.secret)('DELETE', `/api/projects/${one.project.id}`)).toMatchObject({
    status: 202,
    body: { status: 'deleting' },
  });
  expect((await as(one.token.secret)('GET', '/api/projects')).status).toBe(401);
  expect((await admin('DELETE', `/api/projects/${two.project.id}`)).status).toBe(202);
  expect(await admin('DELETE', `/api/projects/${two.project.id}`)).toMatchObject({ status: 404 });
  expect(await admin('DELETE', `/api/projects/${project}`)).toMatchObject({
    status: 409,
    body: { code: 'last_admin_token' },
  });
});

test('the audit log tells who did what, page by page', async () => {
  const { admin, project } = await server();
  await admin('PUT', `/api/projects/${project}`, { name: 'Shop' });
  const [{ id }] = (await admin('GET', `/api/projects/${project}/tokens`)).body.tokens;
  const page = await admin('GET', `/api/projects/${project}/audit?limit=1`);
  expect(page.body.entries).toMatchObject([{ actor: id, action: 'project.rename', detail: { name: 'Shop' } }]);
  const next = await admin('GET', `/api/projects/${project}/audit?limit=2&cursor=${page.body.nextCursor}`);
  expect(next.body.entries.map((each: { action: string }) => each.action)).toEqual(['token.create', 'key.create']);
  const rest = await admin('GET', `/api/projects/${project}/audit?cursor=${next.body.nextCursor}`);
  expect(rest.body).toMatchObject({ nextCursor: null });
  expect(await admin('GET', `/api/projects/${project}/audit?limit=0`)).toMatchObject({
    status: 400,
    body: { field: 'limit' },
  });
});
