import { timeline as oracle } from '@tidemark/model';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportEvents } from './export.ts';
import { QuestionError } from '../question/problem.ts';
import { history, PROPERTY_RUN } from '../testing/histories.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';
import { timelineQuery, type TimelineRequest } from './timeline.ts';
import { traceQuery } from './trace.ts';

let store: TestStore;
const T0 = Date.UTC(2026, 4, 3, 10);

beforeAll(async () => {
  store = await openTestStore();
  await store.add([
    storedEvent({ eventId: 'e1', eventName: 'open', anonymousId: 'd1', timeMs: T0, properties: { 'a.b': 1, n: null, deep: { x: [1, { y: 2 }] } } }),
    storedEvent({ eventId: 'e2', eventName: 'login', anonymousId: 'd1', userId: 'ann', timeMs: T0 + 1, traits: { plan: 'pro' }, context: { locale: 'de' } }),
    storedEvent({ eventId: 'e3', eventName: 'buy', userId: 'ann', timeMs: T0 + 2, sequence: 2, flags: 3 }),
    storedEvent({ eventId: 'e4', eventName: 'buy', userId: 'ann', timeMs: T0 + 2, sequence: 1, flags: 3 }),
    storedEvent({ eventId: 'e5', eventName: 'open', anonymousId: 'd2', timeMs: T0 + 3, bot: true }),
    // d1 was ann's first, so what bob does on it is bob's, and what nobody does on it stays ann's.
    storedEvent({ eventId: 'e6', eventName: 'login', anonymousId: 'd1', userId: 'bob', timeMs: T0 + 4 }),
    storedEvent({ eventId: 'e7', eventName: 'open', anonymousId: 'd1', timeMs: T0 + 5 }),
    storedEvent({ eventId: 'e8', eventName: 'open', userId: 'ann', project: 'p2', timeMs: T0 }),
  ]);
});
afterAll(() => store.close());

const page = (request: TimelineRequest) => timelineQuery(request, store.context('p1'));
const ids = async (request: TimelineRequest): Promise<string[]> => (await page(request)).events.map(({ eventId }) => eventId);

describe('timeline', () => {
  it('merges the ids of a person in order, from any of them', async () => {
    expect(await ids({ id: 'ann' })).toEqual(['e1', 'e2', 'e4', 'e3', 'e7']);
    expect(await ids({ id: 'd1' })).toEqual(['e1', 'e2', 'e4', 'e3', 'e7']);
    expect(await ids({ id: 'bob' })).toEqual(['e6']);
    expect(await ids({ id: 'd2' })).toEqual(['e5']);
    expect(await ids({ id: "nobody'; --" })).toEqual([]);
  });

  it('pages by a cursor without loss or repeat, in both directions', async () => {
    for (const order of ['asc', 'desc'] as const) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const found: Awaited<ReturnType<typeof page>> = await page({ id: 'ann', limit: 2, order, ...(cursor === null ? {} : { cursor }) });
        seen.push(...found.events.map(({ eventId }) => eventId));
        cursor = found.nextCursor;
      } while (cursor !== null);
      const expected = ['e1', 'e2', 'e4', 'e3', 'e7'];
      expect(seen).toEqual(order === 'asc' ? expected : expected.toReversed());
    }
  });

  it('finds a person of more devices than a statement can list', async () => {
    const devices = Array.from({ length: 1_200 }, (_, i) => `device-${i}`);
    await store.add([
      // The last device is somebody else's first.
      storedEvent({ project: 'kiosk', eventId: 'first', anonymousId: 'device-1199', userId: 'eve', timeMs: T0 - 1 }),
      ...devices.map((anonymousId, i) => storedEvent({ project: 'kiosk', eventId: `in-${i}`, anonymousId, userId: 'kim', timeMs: T0 + i })),
      ...devices.map((anonymousId, i) => storedEvent({ project: 'kiosk', eventId: `out-${i}`, anonymousId, timeMs: T0 + 5_000 + i })),
    ]);
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const next: Awaited<ReturnType<typeof page>> = await timelineQuery({ id: 'device-7', limit: 1_000, ...(cursor !== null && { cursor }) }, store.context('kiosk'));
      found.push(...next.events.map(({ eventId }) => eventId));
      cursor = next.nextCursor;
    } while (cursor !== null);
    expect(found).toEqual([...devices.map((_, i) => `in-${i}`), ...devices.slice(0, -1).map((_, i) => `out-${i}`)]);
  });

  it('keeps to from and to, the latter exclusive', async () => {
    expect(await ids({ id: 'ann', from: '2026-05-03T10:00:00.001Z', to: '2026-05-03T10:00:00.005Z' })).toEqual(['e2', 'e4', 'e3']);
  });

  it('shows of any id what the model does, page by page (rules I1 to I3, L1)', async () => {
    let round = 0;
    const situation = history('', { startMs: T0, spanMs: 10, stepMs: 1, minEvents: 5, maxEvents: 30 });
    await fc.assert(
      fc.asyncProperty(situation, fc.integer({ min: 1, max: 7 }), fc.constantFrom('asc' as const, 'desc' as const), fc.constantFrom(0, 3, 1_000), async (unnamed, limit, order, rowsBeyond) => {
        const project = `timeline${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        await store.add(events);
        for (const id of ['ann', 'bob', 'd1', 'd2', 'd3']) {
          const seen: string[] = [];
          let cursor: string | null = null;
          do {
            const request: TimelineRequest = { id, limit, order, ...(cursor !== null && { cursor }) };
            const found: Awaited<ReturnType<typeof page>> = await timelineQuery(request, { ...store.context(project), rowsBeyond });
            seen.push(...found.events.map(({ eventId }) => eventId));
            cursor = found.nextCursor;
          } while (cursor !== null);
          const expected = oracle(events, id);
          expect(seen, id).toEqual(order === 'asc' ? expected : expected.toReversed());
        }
      }),
      { ...PROPERTY_RUN, numRuns: 6 },
    );
  });

  it('refuses what it did not write or can not do', async () => {
    const huge = Buffer.from('[1e15,0,"",0]').toString('base64url');
    for (const request of [{ cursor: 'x' }, { cursor: huge }, { limit: 0 }, { limit: 1001 }, { from: 'soon' }]) {
      await expect(page({ id: 'ann', ...request })).rejects.toThrow(QuestionError);
    }
  });

  it('shows an event in the output shape, its JSON as it came', async () => {
    const { events } = await page({ id: 'd1', limit: 2 });
    expect(events).toEqual([
      {
        eventId: 'e1', eventName: 'open', type: 'track', anonymousId: 'd1', personId: 'ann', source: 'web', bot: false,
        session: { id: 'e1', start: '2026-05-03T10:00:00.000Z' },
        timestamp: '2026-05-03T10:00:00.000Z', originalTimestamp: '2026-05-03T10:00:00.000Z', receivedAt: '2026-05-03T10:00:00.000Z',
        properties: { 'a.b': 1, n: null, deep: { x: [1, { y: 2 }] } }, context: {},
      },
      {
        eventId: 'e2', eventName: 'login', type: 'track', userId: 'ann', anonymousId: 'd1', personId: 'ann', source: 'web', bot: false,
        session: { id: 'e1', start: '2026-05-03T10:00:00.000Z' },
        timestamp: '2026-05-03T10:00:00.001Z', originalTimestamp: '2026-05-03T10:00:00.001Z', receivedAt: '2026-05-03T10:00:00.001Z',
        properties: {}, context: { locale: 'de' }, traits: { plan: 'pro' },
      },
    ]);
    const [sequenced] = (await page({ id: 'ann', limit: 1, from: '2026-05-03T10:00:00.002Z' })).events;
    expect(sequenced?.sequence).toBe(1);
  });
});

describe('trace', () => {
  it('finds an event by its id and says where it lies', async () => {
    const found = await traceQuery('e7', store.context('p1'));
    expect(found?.event).toMatchObject({ eventId: 'e7', anonymousId: 'd1', personId: 'ann' });
    expect(found?.position).toEqual({ epoch: 'e1', partition: 0, offset: 6 });
    expect(await traceQuery('e8', store.context('p1'))).toBeUndefined();
    expect(await traceQuery("x' OR 1 = 1 --", store.context('p1'))).toBeUndefined();
  });

  it('finds one that has left the dedup window', async () => {
    await store.warehouse.command("ALTER TABLE event_ids DELETE WHERE offset = 0 SETTINGS mutations_sync = 1");
    expect((await traceQuery('e1', store.context('p1')))?.event.eventId).toBe('e1');
  });
});

describe('export', () => {
  const read = async (body: object): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of exportEvents({ from: '2026-05-03', to: '2026-05-04', ...body }, store.context('p1')).stream()) chunks.push(chunk);
    return Buffer.concat(chunks);
  };

  it('writes one output event a line, bots too', async () => {
    const lines = (await read({})).toString().trimEnd().split('\n').map((line) => JSON.parse(line) as { eventId: string });
    expect(lines.map(({ eventId }) => eventId).toSorted()).toEqual(['e1', 'e2', 'e3', 'e4', 'e5', 'e6', 'e7']);
    const { events } = await page({ id: 'd1', limit: 1 });
    const { session: _, ...shown } = events[0] ?? {};
    expect(lines.find(({ eventId }) => eventId === 'e1')).toEqual(events[0]);
    expect(JSON.parse((await read({ sessions: false, where: [{ property: 'properties.a.b', op: '=', value: 1 }] })).toString())).toEqual(shown);
  });

  it('keeps to where, with the meaning that questions give it', async () => {
    const where = [{ property: 'properties.a.b', op: '=', value: 1 }];
    expect((await read({ where })).toString()).toMatch(/^\{"eventId":"e1",[^\n]*\n$/);
    expect((await read({ where: [{ property: 'context.locale', op: '=', value: 'fr' }] })).toString()).toBe('');
  });

  it('writes csv and parquet', async () => {
    const [head, ...lines] = (await read({ format: 'csv' })).toString().trimEnd().split('\n');
    expect(head).toContain('"eventId","eventName","type","userId"');
    expect(lines).toHaveLength(7);
    expect(lines.find((line) => line.startsWith('"e2"'))).toContain('"{""locale"":""de""}"');
    expect((await read({ format: 'parquet' })).subarray(0, 4).toString()).toBe('PAR1');
  });
});
