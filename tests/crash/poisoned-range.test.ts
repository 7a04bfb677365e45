/**
 * Rows that a store refuses, in the log of a real server. No client can make one (apps/processor/src/hostile.test.ts), so
 * they are written into the log while the server is stopped: texts that are no JSON, and rows that break off. The engine
 * is killed -9 while it halves the range; events come in all the while. In the end all good events are stored, once, and
 * each refused row is in quarantine, once. `TIDEMARK_POISON_KILLS=20` kills more often, `TIDEMARK_SEED=…` the same again.
 */
import { join } from 'node:path';
import { RowWriter, type StoredEvent } from '@tidemark/event';
import { LmdbLogWriter } from '@tidemark/log';
import { expect, it } from 'vitest';
import { freshFolder, ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';
import { seededRandom } from './ledger.ts';

const KILLS = Number(process.env['TIDEMARK_POISON_KILLS'] ?? 2);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
/** Looking for 60 among 3,000 takes an engine some ten seconds, so that many kills fall into it. */
const [POISON, ROWS] = KILLS > 2 ? [60, 3_000] : [12, 1_000];

it.skipIf(process.platform !== 'linux')(`X6: ${POISON} refused rows among ${ROWS}, and ${KILLS} kills of the engine while they are looked for (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const dataPath = freshFolder();
  let server = await ServerUnderTest.start({ dataPath });
  try {
    await server.ready();
    const { current } = await server.ask<{ current: string }>('/api/projects');
    const good = new Set(await send(server, 'before', 200));
    await server.drained();
    expect(await server.end()).toBe(0);

    const poison = new Set<string>();
    while (poison.size < POISON) poison.add(`row-${Math.floor(random() * ROWS)}`);
    for (let row = 0; row < ROWS; row++) if (!poison.has(`row-${row}`)) good.add(`row-${row}`);
    await appendRows(join(dataPath, 'log'), current, poison);

    server = await ServerUnderTest.start({ dataPath });
    for (let kill = 0; kill < KILLS; kill++) {
      await new Promise((resolve) => setTimeout(resolve, 200 + random() * 1_500));
      server.kill('engine');
      // Intake goes on without the engine.
      for (const id of await send(server, `meanwhile-${kill}`, 20)) good.add(id);
    }
    await server.ready();
    const balance = await server.drained();
    expect(balance).toMatchObject({ received: good.size + POISON, stored: good.size, duplicate: 0, quarantined: POISON, pending: 0, difference: 0 });
    expect((await exported(server)).toSorted()).toEqual([...good].toSorted());
    const refused = await quarantined(server);
    // A row that breaks off can't say who it is.
    expect(refused.map(({ eventId, original }) => eventId || original).filter((text) => !poison.has(text)).length).toBe([...poison].filter(breaksOff).length);
    expect(refused.length).toBe(POISON);
    expect(new Set(refused.map(({ eventId }) => eventId).filter(Boolean))).toEqual(new Set([...poison].filter((id) => !breaksOff(id))));
    for (const { detail } of refused) expect(detail).toMatch(/^(events|staging): /);
  } finally {
    await server.stop();
  }
}, 180_000 + KILLS * 20_000);

const breaksOff = (eventId: string): boolean => Number(eventId.slice(4)) % 5 === 0;

/** One append of `ROWS` rows; those of `poison` are broken in one way or the other. */
async function appendRows(path: string, project: string, poison: ReadonlySet<string>): Promise<void> {
  const log = await LmdbLogWriter.open(path);
  const receivedAtMs = log.stamp();
  const parts: Buffer[] = [];
  const rows = new RowWriter();
  for (let row = 0; row < ROWS; row++) {
    const event = storedEvent(project, `row-${row}`, receivedAtMs);
    const broken = poison.has(event.eventId);
    rows.write(broken && !breaksOff(event.eventId) ? { ...event, properties: row % 2 === 0 ? '{broken' : '[]' } : event);
    const whole = rows.take();
    const bytes = broken && breaksOff(event.eventId) ? whole.subarray(0, whole.length - 14) : whole;
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    parts.push(length, bytes);
  }
  const minuteMs = receivedAtMs - (receivedAtMs % 60_000);
  await log.append([{ topic: 'events', partition: 0, count: ROWS, bytes: Buffer.concat(parts) }], [{ project, source: 'web', minuteMs, received: ROWS }], receivedAtMs);
  await log.close();
}

function storedEvent(project: string, eventId: string, receivedAtMs: number): StoredEvent {
  const none = { sessionId: '', groupId: '', previousId: '', schemaVersion: '', country: '', os: '', browser: '', deviceType: '', channel: '', campaignSource: '', campaignMedium: '', campaignName: '', referrerHost: '', pagePath: '', appVersion: '', locale: '' };
  return {
    ...none, project, source: 'web', eventId, eventName: 'click', type: 'track', userId: 'u1', anonymousId: '', sequence: 0,
    timeMs: receivedAtMs, originalTimeMs: receivedAtMs, receivedAtMs, bot: false, flags: 1, properties: '{"n":1}', context: '{}', traits: '{}',
  };
}

/** Sends events of these names until they are taken; resolves to their ids. */
async function send(server: ServerUnderTest, name: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `${name}-${index}`);
  const body = JSON.stringify({ events: ids.map((eventId) => ({ eventId, eventName: 'click', userId: 'u1' })) });
  const response = await fetch(`${server.url}/api/events/batch`, { method: 'POST', headers: { authorization: `Bearer ${WRITE_KEY}` }, body });
  expect([response.status, ((await response.json()) as { accepted: number }).accepted]).toEqual([202, count]);
  return ids;
}

async function exported(server: ServerUnderTest): Promise<string[]> {
  const response = await server.request('/api/events/export', { format: 'ndjson', from: '2020-01-01', to: 'now' });
  const text = await response.text();
  return text.trimEnd().split('\n').map((line) => (JSON.parse(line) as { eventId: string }).eventId);
}

interface Quarantined {
  eventId: string;
  detail: string;
  original: string;
}

async function quarantined(server: ServerUnderTest): Promise<Quarantined[]> {
  const found: Quarantined[] = [];
  for (let cursor = ''; ; ) {
    const page = await server.ask<{ events: Quarantined[]; nextCursor?: string | null }>(`/api/quarantine?code=store_refused&from=2020-01-01${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
    found.push(...page.events);
    if (!page.nextCursor) return found;
    cursor = page.nextCursor;
  }
}
