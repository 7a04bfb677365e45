/** The rules of SPEC.md, one by one. */
import { describe, expect, it } from 'vitest';
import type { ConsentChoice } from './device/consent.ts';
import type { DeviceClient } from './device/client.ts';
import { SMALL, createSeededRandom, createTestDevice } from './testing/device-under-test.ts';
import { settle } from './testing/manual-clock.ts';
import { createMemoryStorage } from './testing/memory-storage.ts';
import { toJsonText, countBytes } from './json-text.ts';
import { createUuid } from './uuid.ts';
import { judge } from './verdict.ts';

const names = (events: readonly { eventName?: string }[]): (string | undefined)[] =>
  events.map(({ eventName }) => eventName);

describe('G. A guest', () => {
  it('G1: no call throws, whatever it is given, and nothing is said unless asked', async () => {
    const { start, clock, collector } = createTestDevice();
    const client = start(
      { beforeSend: undefined },
      {
        debug: () => {
          throw new Error('the host fails too');
        },
      },
    );
    const hostile = {
      get price(): number {
        throw new Error('no');
      },
    };
    client.track('ok', hostile);
    client.track(null as never, 1 as never, 'x' as never);
    client.identify({} as never);
    client.group(undefined as never);
    client.alias(Symbol('x') as never);
    client.page(7 as never, null as never);
    client.consent(null as never);
    client.consent('granted');
    client.track('fine');
    await clock.advance(10_000);
    expect(names(collector.stored)).toContain('fine');
  });

  it('G2: without a write key it is inert, whatever is chosen, and says so', async () => {
    for (const writeKey of [undefined, null, '', 7]) {
      const { start, clock, collector, storage, said } = createTestDevice();
      const client = start({ writeKey: writeKey as never });
      client.track('unheard');
      client.consent('granted');
      client.track('unheard');
      client.identify('u1');
      await client.flush();
      await clock.advance(60_000);
      expect(storage.texts.size + storage.events.size + collector.requests.length).toBe(0);
      expect(said[0]).toBe('invalid: writeKey must be a text');
    }
  });

  it('G2: what has no name or id is dropped, and debug says what was missing', () => {
    const { start, said } = createTestDevice();
    const client = start();
    client.track('  ');
    client.identify('');
    expect(client.waiting.events).toBe(0);
    expect(said).toEqual(['invalid: eventName must be a text', 'invalid: userId must be a text']);
  });
});

describe('E. Events', () => {
  it('E1: id, time and ids are those of the moment of the call', async () => {
    const { start, clock, collector } = createTestDevice();
    const client = start();
    client.track('first');
    client.identify('u1');
    client.group('acme');
    client.track('later', { price: 3 });
    await clock.advance(60_000);
    const [first, identify, , later] = collector.stored;
    expect(first).toMatchObject({
      timestamp: '2026-05-03T10:00:00.000Z',
      anonymousId: client.anonymousId,
      sequence: 1,
    });
    expect(first!.userId).toBeUndefined();
    expect(identify).toMatchObject({ userId: 'u1', sequence: 2 });
    expect(later).toMatchObject({ userId: 'u1', properties: { price: 3 }, context: { groupId: 'acme' }, sequence: 4 });
    expect(later!.eventId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('E1: a UUIDv7 begins with its time', () => {
    expect(createUuid(Date.UTC(2022, 1, 22, 19, 22, 22), createSeededRandom(1)).slice(0, 13)).toBe('017f22e2-79b0');
  });

  it('E2: beforeSend may change an event, end it, and by throwing ends it too', async () => {
    const { start, clock, collector, storage } = createTestDevice();
    const client = start({
      beforeSend: (event) => {
        if (event.eventName === 'secret') return null;
        if (event.eventName === 'broken') throw new Error('no');
        return { ...event, properties: { card: 'hidden' } };
      },
    });
    for (const name of ['secret', 'broken', 'paid']) client.track(name, { card: '4111' });
    expect([...storage.events.values()].map(({ text }) => text).join()).not.toContain('4111');
    await clock.advance(10_000);
    expect(collector.stored).toMatchObject([{ eventName: 'paid', properties: { card: 'hidden' }, sequence: 1 }]);
  });

  it('E3: the text is the same at each attempt, and what JSON has no form for is made to fit', async () => {
    const { start, clock, collector } = createTestDevice();
    const client = start();
    const circle: Record<string, unknown> = { big: 12n, none: Number.NaN };
    circle['self'] = circle;
    collector.faults = ['unanswered', { status: 503 }];
    client.track('odd', circle);
    circle['big'] = 'changed later';
    await clock.advance(300_000);
    expect(collector.stored[0]!.properties).toEqual({ big: '12', none: null, self: '[circular]' });
    expect(new Set(collector.requests.flatMap(({ texts }) => texts)).size).toBe(1);
    expect(collector.requests).toHaveLength(2);
  });

  it('E3: an id of the host goes once while it waits, and takes no number', async () => {
    const { start, collector, storage, said } = createTestDevice();
    const client = start();
    const order = { eventId: 'order-1' };
    client.track('first', {}, order);
    client.track('second', {}, order);
    expect(client.waiting.events).toBe(1);
    expect(said).toContain('track is not sent: duplicate');
    await client.flush();
    expect(storage.events.size).toBe(0);
    collector.onRequest = () => {};
    expect(names(collector.stored)).toEqual(['first']);
    client.track('other');
    await client.flush();
    expect(collector.stored.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('E3: twins are no circle', () => {
    const twin = { a: 1n };
    expect(toJsonText({ x: twin, y: [twin, { z: twin }] })).toBe('{"x":{"a":"1"},"y":[{"a":"1"},{"z":{"a":"1"}}]}');
  });

  it('E3: bytes are those of UTF-8', () => {
    for (const text of ['', 'abc', 'é', '€', '😀', 'a😀é€'])
      expect(countBytes(text)).toBe(new TextEncoder().encode(text).length);
  });

  it('E3: an event over 64 KB is dropped before it has a number', async () => {
    const { start, clock, collector } = createTestDevice();
    const client = start({ maxQueueBytes: 200_000 });
    client.track('huge', { text: 'é'.repeat(32_768) });
    client.track('small');
    await clock.advance(10_000);
    expect(collector.stored).toMatchObject([{ eventName: 'small', sequence: 1 }]);
  });

  it('E4: the number goes on in the next life, and begins again with a new device', async () => {
    const { start, clock, collector } = createTestDevice();
    const first = start();
    first.track('a');
    await clock.advance(10_000);
    first.close();
    const second = start();
    second.track('b');
    second.reset();
    second.track('c');
    await clock.advance(10_000);
    expect(collector.stored.map(({ sequence }) => sequence)).toEqual([1, 2, 1]);
    expect(collector.stored[2]!.anonymousId).not.toBe(collector.stored[1]!.anonymousId);
  });

  it('E5: what was dropped is counted on the next event, and not lost when that one is dropped too', async () => {
    const { start, clock, collector } = createTestDevice();
    const client = start();
    client.setOnline(false);
    for (let i = 0; i < 50; i++) client.track(`e${i}`);
    client.setOnline(true);
    await clock.advance(10_000);
    client.track('last');
    await clock.advance(10_000);
    const dropped = collector.stored.reduce(
      (sum, { context }) => sum + (context.library.dropped?.['queue_full'] ?? 0),
      0,
    );
    expect(collector.stored).toHaveLength(21);
    expect(dropped).toBe(30);
  });
});

describe('Q. The queue', () => {
  it('Q1: the oldest make room', async () => {
    const { start, clock, collector } = createTestDevice();
    const client = start();
    client.setOnline(false);
    for (let i = 0; i < 25; i++) client.track(`e${i}`);
    expect(client.waiting.events).toBe(20);
    client.setOnline(true);
    await clock.advance(1);
    expect(names(collector.stored)).toEqual(Array.from({ length: 20 }, (_, i) => `e${i + 5}`));
  });

  it('Q1: with the policy to refuse, the new one is turned away and has no number', async () => {
    const { start, clock, collector } = createTestDevice();
    const client = start({ refuseWhenFull: true });
    client.setOnline(false);
    for (let i = 0; i < 25; i++) client.track(`e${i}`);
    client.setOnline(true);
    await clock.advance(1);
    client.track('after');
    await clock.advance(10_000);
    expect(collector.stored.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
    expect(names(collector.stored).at(-1)).toBe('after');
  });

  it('Q2: what an earlier life left goes first', async () => {
    const { start, clock, collector } = createTestDevice();
    const first = start();
    first.setOnline(false);
    first.track('before');
    await settle();
    first.close();
    const second = start();
    for (let i = 0; i < 4; i++) second.track(`after ${i}`);
    await clock.advance(10_000);
    expect(names(collector.stored)).toEqual(['before', 'after 0', 'after 1', 'after 2', 'after 3']);
  });

  it('Q2: a journal that fails costs no event', async () => {
    const { start, clock, storage, collector } = createTestDevice();
    storage.full = true;
    start().track('kept in memory');
    await clock.advance(10_000);
    expect(names(collector.stored)).toEqual(['kept in memory']);
  });
});

describe('S. Sending', () => {
  it('S1: by age, by count, by bytes', async () => {
    const { start, clock, collector } = createTestDevice();
    const client = start();
    client.track('alone');
    await clock.advance(4_999);
    expect(collector.requests).toHaveLength(0);
    await clock.advance(1);
    expect(collector.requests).toHaveLength(1);
    for (let i = 0; i < 4; i++) client.track('four');
    await clock.advance(0);
    expect(collector.requests).toHaveLength(2);
    client.track('big', { text: 'x'.repeat(8_000) });
    await clock.advance(0);
    expect(collector.requests).toHaveLength(3);
  });

  it('S1: what is due goes once the task of the calls is over, all of it as one batch', async () => {
    const { start, clock, collector } = createTestDevice();
    const client = start();
    for (let i = 0; i < 8; i++) client.track(`e${i}`);
    await settle();
    expect(collector.requests).toHaveLength(0);
    await clock.advance(0);
    expect(collector.requests.map(({ events }) => events.length)).toEqual([8]);
    // Also where a flush or the end of the network comes in between.
    for (let i = 8; i < 12; i++) client.track(`e${i}`);
    expect(await client.flush()).toBe(true);
    for (let i = 12; i < 16; i++) client.track(`e${i}`);
    client.setOnline(false);
    await clock.advance(60_000);
    expect(collector.requests).toHaveLength(2);
    client.setOnline(true);
    await settle();
    expect(names(collector.stored)).toEqual(Array.from({ length: 16 }, (_, i) => `e${i}`));
  });

  it('S2: sentAt is that of the attempt', async () => {
    const { start, clock, collector } = createTestDevice();
    collector.faults = ['unanswered'];
    start().track('a');
    await clock.advance(60_000);
    const [one, two] = collector.requests.map(({ sentAt }) => Date.parse(sentAt));
    expect(one).toBe(Date.UTC(2026, 4, 3, 10, 0, 5));
    expect(two).toBeGreaterThan(one!);
  });

  it.each([
    [{ status: 202, body: '{"accepted":1,"rejected":[]}' }, 'delivered'],
    [{ status: 200, body: '<html>' }, 'retry'],
    [{ status: 202, body: undefined }, 'retry'],
    [{ status: 204, body: '' }, 'retry'],
    [{ status: 302, body: '' }, 'retry'],
    [{ status: 400, body: '' }, 'split'],
    [{ status: 401, body: '' }, 'misconfigured'],
    [{ status: 403, body: '' }, 'misconfigured'],
    [{ status: 404, body: '' }, 'misconfigured'],
    [{ status: 408, body: '' }, 'retry'],
    [{ status: 413, body: '' }, 'split'],
    [{ status: 422, body: '' }, 'split'],
    [{ status: 425, body: '' }, 'retry'],
    [{ status: 429, body: '' }, 'retry'],
    [{ status: 500, body: '' }, 'retry'],
    [{ status: 503, body: '' }, 'retry'],
    [undefined, 'retry'],
  ])('S3: %o is %s', (answer, kind) => {
    expect(judge(answer, 0).kind).toBe(kind);
  });

  it('S3: Retry-After is seconds or a date, an hour at most', () => {
    const after = (retryAfter: string): unknown =>
      judge({ status: 503, body: '', retryAfter }, Date.UTC(2026, 4, 3, 10));
    expect(after('7')).toMatchObject({ retryAfterMs: 7_000 });
    expect(after('Sun, 03 May 2026 10:05:00 GMT')).toMatchObject({ retryAfterMs: 300_000 });
    expect(after('Sun, 03 May 2026 09:05:00 GMT')).toMatchObject({ retryAfterMs: 0 });
    expect(after('999999')).toMatchObject({ retryAfterMs: 3_600_000 });
    expect(after('soon')).toMatchObject({ retryAfterMs: 0 });
  });

  it('S4: waits double, up to the longest, times a random share', async () => {
    const { start, clock, collector } = createTestDevice();
    const attempts: number[] = [];
    collector.onRequest = () => attempts.push(clock.now());
    collector.faults = Array.from({ length: 10 }, () => 'lost' as const);
    const draws = createSeededRandom(1);
    start({}, { random: { ...draws, fraction: () => 0.5 } }).track('a');
    await clock.advance(3_600_000);
    expect(attempts.slice(1).map((at, i) => at - attempts[i]!)).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000,
    ]);
  });

  it('S4: Retry-After is waited in full, by a flush and a return of the network too', async () => {
    const { start, clock, collector } = createTestDevice();
    collector.faults = [{ status: 429, retryAfter: '120' }];
    const client = start();
    client.track('a');
    expect(await client.flush()).toBe(false);
    client.setOnline(false);
    client.setOnline(true);
    expect(await client.flush()).toBe(false);
    await clock.advance(119_999);
    expect(collector.stored).toHaveLength(0);
    await clock.advance(60_001);
    expect(collector.stored).toHaveLength(1);
  });

  it('S5: a poison event is found by halves, its neighbours are delivered in order', async () => {
    const { start, clock, collector } = createTestDevice();
    const client = start({
      maxQueueEvents: 200,
      maxBatchEvents: 64,
      flushAt: 64,
      maxQueueBytes: 200_000,
      maxBatchBytes: 100_000,
    });
    for (let i = 0; i < 64; i++) client.track(i === 41 ? 'poison' : `e${i}`);
    await clock.advance(1);
    expect(names(collector.stored)).toEqual(
      Array.from({ length: 64 }, (_, i) => `e${i}`).filter((name) => name !== 'e41'),
    );
    expect(collector.requests.length).toBeLessThanOrEqual(6 + 2 + 1);
    client.track('next');
    await client.flush();
    expect(collector.stored.at(-1)!.context.library.dropped).toEqual({ rejected: 1 });
  });

  it('S6: a flush ends with what was there at its call', async () => {
    const { start, collector } = createTestDevice();
    const client = start();
    expect(await client.flush()).toBe(true);
    client.track('a');
    const flushed = client.flush();
    client.track('b');
    expect(await flushed).toBe(true);
    expect(names(collector.stored)).toContain('a');
    collector.faults = ['lost'];
    client.track('c');
    expect(await client.flush()).toBe(false);
    expect(await client.flush()).toBe(true);
  });

  it('S7: offline nothing is tried; coming online sends at once', async () => {
    const { start, clock, collector } = createTestDevice();
    const client = start();
    client.setOnline(false);
    client.track('in a tunnel');
    await clock.advance(7_200_000);
    expect(collector.requests).toHaveLength(0);
    client.setOnline(true);
    await settle();
    expect(collector.stored).toHaveLength(1);
  });

  it('S8: last words fit, go once, and stay in the journal for the next life', async () => {
    const { start, clock, collector, storage } = createTestDevice();
    const client = start();
    for (let i = 0; i < 3; i++) client.track(`e${i}`, { text: 'x'.repeat(1_000) });
    client.leave(3_000);
    client.leave(3_000);
    await settle();
    const sizes = collector.requests.map(({ body }) => body.length);
    expect(sizes.reduce((a, b) => a + b)).toBeLessThanOrEqual(6_000);
    expect(new Set(names(collector.stored)).size).toBe(collector.stored.length);
    expect(storage.events.size).toBe(3);
    client.close();
    start();
    await clock.advance(10_000);
    expect(names(collector.stored)).toEqual(['e0', 'e1', 'e2']);
    expect(storage.events.size).toBe(0);
  });
});

describe('D. Devices', () => {
  it('D1: alias says that two ids are one', async () => {
    const { start, collector } = createTestDevice();
    const client = start();
    const device = client.anonymousId;
    client.alias('u1');
    client.alias('u2');
    client.alias('u3', 'old');
    await client.flush();
    expect(collector.stored).toMatchObject([
      { userId: 'u1', previousId: device },
      { userId: 'u2', previousId: 'u1' },
      { userId: 'u3', previousId: 'old' },
    ]);
  });

  it('D2: reset is a new device; what was captured stays as it was', async () => {
    const { start, collector } = createTestDevice();
    const client = start();
    const before = client.anonymousId;
    client.identify('u1');
    client.reset();
    client.track('after');
    await client.flush();
    expect(collector.stored[0]).toMatchObject({ userId: 'u1', anonymousId: before });
    expect(collector.stored[1]!.userId).toBeUndefined();
    expect(collector.stored[1]!.anonymousId).not.toBe(before);
    expect(collector.stored[1]!.sessionId).not.toBe(collector.stored[0]!.sessionId);
  });

  it('D3: a session lives while events follow within 30 minutes, over lives, and ends with a jump of the clock', async () => {
    const { start, clock, collector } = createTestDevice();
    const minute = 60_000;
    const first = start();
    first.track('a');
    await clock.advance(30 * minute);
    first.close();
    const client = start();
    client.track('b');
    await clock.advance(30 * minute + 1);
    client.track('c');
    clock.jump(-31 * minute);
    client.track('d');
    await client.flush();
    const [a, b, c, d] = collector.stored.map(({ sessionId }) => sessionId);
    expect(a).toBe(b);
    expect(new Set([a, c, d]).size).toBe(3);
  });
});

describe('P. Consent', () => {
  it('P1: unknown holds in memory and stores nothing; granted sends it as it was captured', async () => {
    const { start, clock, collector, storage } = createTestDevice();
    const client = start({ consent: 'unknown' });
    for (let i = 0; i < 7; i++) client.track(`e${i}`);
    await clock.advance(60_000);
    expect(storage.texts.size + storage.events.size + collector.requests.length).toBe(0);
    expect(client.waiting).toMatchObject({ held: SMALL.maxHeldEvents, events: 0 });
    client.consent('granted');
    await clock.advance(10_000);
    expect(collector.stored).toMatchObject(
      [2, 3, 4, 5, 6].map((n, i) => ({ eventName: `e${n}`, sequence: i + 1, timestamp: '2026-05-03T10:00:00.000Z' })),
    );
    expect(storage.texts.get('anonymousId')).toBe(collector.stored[0]!.anonymousId);
  });

  it('P1: denied deletes what is held, queued and stored', async () => {
    const { start, clock, collector, storage } = createTestDevice();
    const client = start();
    client.setOnline(false);
    client.identify('u1');
    client.consent('denied');
    client.track('unheard');
    client.identify('u2');
    client.setOnline(true);
    await clock.advance(60_000);
    expect(collector.requests).toHaveLength(0);
    expect(storage.texts.size + storage.events.size).toBe(0);
    expect(client.userId).toBeUndefined();
  });

  it('P2: by category, on the wire as Segment sends it', async () => {
    const { start, collector, clock } = createTestDevice();
    const client = start({ consent: 'unknown' });
    client.track('held');
    client.consent({ analytics: true, advertising: false });
    client.consent({ analytics: true, advertising: true });
    client.track('later');
    await clock.advance(10_000);
    expect(collector.stored.map(({ context }) => context.consent?.categoryPreferences)).toEqual([
      { analytics: true, advertising: false },
      { analytics: true, advertising: true },
    ]);
    client.consent({ analytics: false, advertising: true });
    expect(client.consentStatus).toBe('denied');
  });

  it('P3: a grant is kept, a denial is not, and Global Privacy Control denies until somebody grants', () => {
    const { start, storage } = createTestDevice();
    start({ consent: 'unknown' }).consent('granted');
    expect(start({ consent: 'unknown' }).consentStatus).toBe('granted');
    expect(start({ privacySignal: true }).consentStatus).toBe('granted');
    start().consent('denied');
    expect([...storage.texts]).toEqual([]);
    expect(start({ consent: 'unknown' }).consentStatus).toBe('unknown');
    expect(start({ privacySignal: true }).consentStatus).toBe('denied');
  });

  it('P5: a denial in one tab reaches the others, and what dead ones left', async () => {
    const { start, clock, collector, storage } = createTestDevice();
    const dead = start();
    dead.setOnline(false);
    dead.track('left behind');
    dead.close();
    const listeners: ((choice: ConsentChoice, device: string) => void)[] = [];
    const startTab = (consent: 'granted' | 'unknown'): DeviceClient => {
      let own: (choice: ConsentChoice, device: string) => void;
      const tell = (choice: ConsentChoice, from: string): void => {
        for (const listener of listeners) if (listener !== own) setImmediate(() => listener(choice, from));
      };
      const tab = start(
        { consent },
        { otherTabs: { tell, hear: (listener) => void listeners.push((own = listener)) } },
      );
      tab.setOnline(false);
      return tab;
    };
    const [one, two, held] = [startTab('granted'), startTab('granted'), startTab('unknown')];
    two.track('queued');
    held.track('held');
    // The journal is still being read.
    one.consent('denied');
    await settle();
    await settle();
    for (const tab of [one, two, held]) {
      expect(tab.consentStatus).toBe('denied');
      expect(tab.waiting).toEqual({ held: 0, events: 0, bytes: 0 });
      tab.track('unheard');
      tab.setOnline(true);
    }
    expect(storage.texts.size + storage.events.size).toBe(0);
    // Heard late, a denial takes nothing from the grant that followed it.
    one.consent('denied');
    one.consent({ analytics: true });
    one.track('new');
    const { anonymousId } = one;
    await settle();
    expect([one.anonymousId, two.anonymousId]).toEqual([anonymousId, anonymousId]);
    expect(start({ consent: 'unknown' }).consentStatus).toBe('granted');
    two.track('new');
    await clock.advance(3_600_000);
    expect(names(collector.stored)).toEqual(['new', 'new']);
    expect(collector.stored.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(new Set(collector.stored.map(({ anonymousId }) => anonymousId)).size).toBe(1);
  });

  it.each([
    ['at once', false],
    // As between processes of a browser.
    ['only later', true],
  ])('P5: what tabs held before a grant is of the device of the tab that was granted, where one sees %s what the other stores', async (_, late) => {
    const { start, clock, collector, storage } = createTestDevice();
    const hear: ((choice: ConsentChoice, device: string) => void)[] = [];
    const [one, two] = [0, 1].map((own) =>
      start(
        { consent: 'unknown' },
        {
          ...(late && own === 1 && { state: createMemoryStorage().state }),
          otherTabs: { tell: (...choice) => hear[1 - own]!(...choice), hear: (listener) => (hear[own] = listener) },
        },
      ),
    ) as [DeviceClient, DeviceClient];
    one.track('before a reset');
    const before = one.anonymousId;
    one.reset();
    one.track('in one');
    two.track('in two');
    expect(new Set([before, one.anonymousId, two.anonymousId]).size).toBe(3);
    one.consent('granted');
    two.track('later');
    await clock.advance(60_000);
    const device = storage.texts.get('anonymousId')!;
    expect([one.anonymousId, two.anonymousId]).toEqual([device, device]);
    const found = collector.stored.map(({ eventName, anonymousId }) => [eventName, anonymousId === device]);
    expect(Object.fromEntries(found)).toEqual({
      'in one': true,
      'before a reset': false,
      'in two': true,
      later: true,
    });
    const ofDevice = collector.stored.filter(({ anonymousId }) => anonymousId === device);
    // A number twice says nothing; one that is missing would say that an event was lost.
    expect(ofDevice.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual(late ? [1, 1, 2] : [1, 2, 3]);
  });

  it('P4: a batch on its way when consent is withdrawn is not tried again', async () => {
    const { start, clock, collector } = createTestDevice();
    let fail = (): void => {};
    const client = start(
      {},
      {
        transport: {
          send: () =>
            new Promise((_, reject) => {
              fail = () => reject(new Error('cut'));
            }),
        },
      },
    );
    client.track('a');
    void client.flush();
    await settle();
    client.consent('denied');
    fail();
    await clock.advance(3_600_000);
    expect(collector.requests).toHaveLength(0);
    expect(client.waiting.events).toBe(0);
  });
});
