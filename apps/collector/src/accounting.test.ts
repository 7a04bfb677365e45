/**
 * The invariant of the door (DESIGN section 6): every event of an authenticated, parsed request leaves exactly one mark
 * (a row, a quarantine item with its own bytes, or a place in a tally), and the answer tells which.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GRANT, KEY, startCollector } from './testing/server.ts';

const BOT = 'Googlebot/2.1 (+http://www.google.com/bot.html)';

/** An element of a batch as bytes, and what has to become of it. */
interface Element {
  bytes: Buffer;
  end: 'store' | 'item' | 'rejected' | 'filtered';
}

let ids = 0;
const good = fc
  .record({ name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), text: fc.string({ unit: 'grapheme' }) })
  .map(({ name, text }): Element => {
    const event = { eventId: `good-${ids++}`, eventName: `n${name}`, userId: 'u7', properties: { text } };
    return { bytes: Buffer.from(JSON.stringify(event, undefined, ids % 3)), end: 'store' };
  });
const bot = fc.constant(0).map((): Element => {
  const event = { eventId: `bot-${ids++}`, eventName: 'x', userId: 'u7', context: { userAgent: BOT } };
  return { bytes: Buffer.from(JSON.stringify(event)), end: 'filtered' };
});
const large = fc.constant(0).map((): Element => {
  const event = { eventId: `large-${ids++}`, eventName: 'x', userId: 'u7', properties: { text: 'x'.repeat(66_000) } };
  return { bytes: Buffer.from(JSON.stringify(event)), end: 'rejected' };
});
/** Any JSON at all; none of it is an event, for events need an eventId. */
const junk = fc
  .json({ stringUnit: 'grapheme' })
  .filter((text) => !text.includes('Id"'))
  .map((text): Element => ({ bytes: Buffer.from(text), end: 'item' }));
const nested = fc
  .constant('{"eventId":"n","events":[{"events":[1,"]}"]}],"writeKey":"\\"events\\":["}')
  .map((text): Element => ({ bytes: Buffer.from(text), end: 'item' }));
const latin1 = fc.constant(0).map((): Element => ({
  bytes: Buffer.from(`{"eventId":"l-${ids++}","eventName":"größe","userId":"u7"}`, 'latin1'),
  end: 'item',
}));

const element = fc.oneof({ weight: 4, arbitrary: good }, { weight: 3, arbitrary: junk }, bot, nested, latin1, {
  weight: 1,
  arbitrary: large,
});
const space = fc.constantFrom('', ' ', '\n\t ');

it('C6: accounts for every event, with the bytes it came with', async () => {
  await using collector = await startCollector();
  collector.grants.set(KEY, { ...GRANT, settings: { ...GRANT.settings, bots: 'drop' } });
  await fc.assert(
    fc.asyncProperty(fc.array(element, { maxLength: 12 }), space, fc.boolean(), async (elements, gap, decoy) => {
      const rowsBefore = collector.events().length;
      const recordsBefore = collector.quarantined().length;
      const parts = elements.flatMap(({ bytes }, index) =>
        index === 0 ? [bytes] : [Buffer.from(`${gap},${gap}`), bytes],
      );
      // A property given twice counts by its last, as JSON.parse has it; keys may be written with escapes.
      const start = decoy
        ? `{"events":[{"eventId":"decoy"}],${gap}"\\u0065vents"${gap}:[${gap}`
        : `{"events":${gap}[${gap}`;
      const { status, body } = await collector.post(
        '/api/events/batch',
        Buffer.concat([Buffer.from(start), ...parts, Buffer.from(`${gap}],"sentAt":null}`)]),
      );

      const ends = (end: Element['end']) => elements.filter((one) => one.end === end);
      expect(status).toBe(202);
      expect(body['accepted']).toBe(ends('store').length);
      expect(body['filtered'] ?? 0).toBe(ends('filtered').length);
      const indices = elements.flatMap(({ end }, index) =>
        end === 'item' || end === 'rejected' ? [[index, end === 'item']] : [],
      );
      expect(
        (body['rejected'] as { index: number; quarantined: boolean }[]).map(({ index, quarantined }) => [
          index,
          quarantined,
        ]),
      ).toEqual(indices);

      expect(collector.events().length - rowsBefore).toBe(ends('store').length);
      const records = collector.quarantined().slice(recordsBefore);
      const originals = records.flatMap((record) =>
        record.kind === 'item' ? [Buffer.from(record.original, record.encoding)] : [],
      );
      expect(originals).toEqual(ends('item').map(({ bytes }) => bytes));
      const tallied = (outcome: string) =>
        records.reduce(
          (sum, record) => sum + (record.kind === 'tally' && record.outcome === outcome ? record.events : 0),
          0,
        );
      expect([tallied('filtered'), tallied('rejected')]).toEqual([ends('filtered').length, ends('rejected').length]);
      expect(collector.difference()).toBe(0);
    }),
    { numRuns: 60 },
  );
});

it('C7: never answers anything but a known status to any bytes at all, and keeps its books', async () => {
  await using collector = await startCollector();
  const path = fc.constantFrom('/api/events', '/api/events/batch');
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
    fc.json().map((text) => Buffer.from(text)),
  );
  const prefix = fc.constantFrom(Buffer.alloc(0), Buffer.from([0x1f, 0x8b]), Buffer.from('{"events":['));
  await fc.assert(
    fc.asyncProperty(path, prefix, bytes, async (where, head, rest) => {
      const { status, body } = await collector.post(where, Buffer.concat([head, rest]));
      expect([202, 400]).toContain(status);
      if (status === 400) expect(body).toMatchObject({ quarantined: true, status: 400 });
      expect(collector.difference()).toBe(0);
    }),
    { numRuns: 150 },
  );
});
