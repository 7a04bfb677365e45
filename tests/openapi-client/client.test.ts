/** A client that is generated from /openapi.json asks every kind of question, and the compiler holds question and answer to their types. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KINDS } from '@tidemark/analytics';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from '../architecture/sources.ts';
import { Project } from '../e2e/project.ts';
import { ServerUnderTest } from '../server-under-test.ts';
import { clientOf } from './generate.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-client-'));
let server: ServerUnderTest;
let shop: Project;
beforeAll(async () => {
  server = await ServerUnderTest.start();
  shop = await Project.first(server);
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as Parameters<typeof clientOf>[0];
  writeFileSync(join(folder, 'client.ts'), clientOf(document));
  copyFileSync(join(ROOT, 'tests/openapi-client/program/asks.ts'), join(folder, 'asks.ts'));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('compiles, and so do its askings; wrong ones do not', () => {
  const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--target', 'es2023', '--lib', 'es2023,dom', '--module', 'nodenext', '--allowImportingTsExtensions', '--types', ''];
  const { stdout, status } = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...flags, join(folder, 'asks.ts')], { encoding: 'utf8', cwd: folder });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

it('asks every kind', async () => {
  const at = (ms: number): string => new Date(new Date().setUTCHours(0, 0, 0, 0) + ms).toISOString();
  const waitFor = await shop.send([
    { eventId: '1', eventName: 'view', userId: 'ada', timestamp: at(0), properties: { item: 'hat' } },
    { eventId: '2', eventName: 'buy', userId: 'ada', timestamp: at(5_000) },
    { eventId: '3', eventName: 'view', userId: 'bob', timestamp: at(0), properties: { item: 'shoe' } },
  ]);
  const { asks } = (await import(join(folder, 'asks.ts'))) as { asks(url: string, token: string, waitFor: string): Promise<Record<string, unknown>> };
  expect(await asks(server.url, shop.token, waitFor)).toEqual({
    kinds: KINDS.map(({ name }) => name), asOf: true,
    trend: [['hat', 1], ['shoe', 1]], funnel: [[2, null], [1, '5']], sessions: 3, retention: 2, paths: 2, attribution: 1, cohort: 1, experiment: 2,
    sql: [[2]], people: ['ada'], saved: { name: 'a/ü', version: 1 }, savedTotal: 2, kept: { range: 'today', series: [{ event: 'view' }] }, timeline: ['view'], problem: 'invalid_value',
  });
});
