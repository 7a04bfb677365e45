/** What every log driver must keep true. A driver's test calls this with a way to open itself. */
import { describe, expect, it } from 'vitest';
import { forEachRecord, type Frames, type LogReader, type LogWriter, type ReadBounds } from './log.ts';
import type { Topic } from './position.ts';

export interface LogUnderTest {
  writer: LogWriter;
  /** A reader opened after the writer, as another process would. */
  reader: LogReader;
  /** Closes both and opens the same log again; undefined where a driver keeps nothing. */
  reopen?: () => Promise<LogUnderTest>;
  close(): Promise<void>;
}

export function frames(topic: Topic, records: readonly string[], partition = 0): Frames {
  const parts: Buffer[] = [];
  for (const record of records) {
    const bytes = Buffer.from(record);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    parts.push(length, bytes);
  }
  return { topic, partition, count: records.length, bytes: Buffer.concat(parts) };
}

const ALL = { maxRecords: 1e6, maxBytes: 1e9 };

export function readAll(reader: LogReader, topic: Topic, from = 0, bounds: ReadBounds = ALL): [number, string][] {
  const found: [number, string][] = [];
  for (const batch of reader.read(topic, 0, from, bounds)) {
    forEachRecord(batch, (offset, bytes, start, end) => {
      if (offset >= from) found.push([offset, bytes.toString('utf8', start, end)]);
    });
  }
  return found;
}

export function runLogContract(driver: { name: string; open: () => Promise<LogUnderTest> }): void {
  describe(`log contract: ${driver.name}`, () => {
    async function withLog(body: (log: LogUnderTest) => Promise<void>): Promise<void> {
      const log = await driver.open();
      try {
        await body(log);
      } finally {
        await log.close();
      }
    }

    it('gives offsets in the order of the calls, and shows a record once its append has resolved', () =>
      withLog(async ({ writer, reader }) => {
        const first = writer.append([frames('events', ['a', 'b'])], [], writer.stamp());
        const second = writer.append([frames('events', ['c'])], [], writer.stamp());
        await Promise.all([first, second]);
        expect(readAll(reader, 'events')).toEqual([[0, 'a'], [1, 'b'], [2, 'c']]);
        expect(reader.endOffset('events', 0)).toBe(3);
        expect(reader.epoch).toBe(writer.epoch);
      }));

    it('has copied the frames when append returns', () =>
      withLog(async ({ writer, reader }) => {
        const reused = frames('events', ['first']);
        const first = writer.append([reused], [], writer.stamp());
        frames('events', ['other']).bytes.copy(reused.bytes);
        const second = writer.append([reused], [], writer.stamp());
        await first;
        await second;
        for (let round = 0; round < 5; round++) await writer.append([frames('events', [`round ${round}`])], [], writer.stamp());
        expect(readAll(reader, 'events').map(([, text]) => text)).toEqual(['first', 'other', ...Array.from({ length: 5 }, (_, round) => `round ${round}`)]);
      }));

    it('keeps topics apart and appends to several in one call', () =>
      withLog(async ({ writer, reader }) => {
        await writer.append([frames('events', ['good']), frames('quarantine', ['bad'])], [], writer.stamp());
        expect(readAll(reader, 'events')).toEqual([[0, 'good']]);
        expect(readAll(reader, 'quarantine')).toEqual([[0, 'bad']]);
      }));

    it('reads from any offset, and no less than one batch however small the bounds', () =>
      withLog(async ({ writer, reader }) => {
        for (let i = 0; i < 5; i++) await writer.append([frames('events', [`${2 * i}`, `${2 * i + 1}`])], [], writer.stamp());
        expect(readAll(reader, 'events', 7)).toEqual([[7, '7'], [8, '8'], [9, '9']]);
        expect(readAll(reader, 'events', 2, { maxRecords: 1, maxBytes: 1 })).toEqual([[2, '2'], [3, '3']]);
        expect(readAll(reader, 'events', 2, { maxRecords: 4, maxBytes: 1e9 }).length).toBe(4);
        expect(readAll(reader, 'events', 3, { maxRecords: 1, maxBytes: 1, to: 7 }).map(([offset]) => offset)).toEqual([3, 4, 5, 6, 7]);
        expect(readAll(reader, 'events', 2, { maxRecords: 4, maxBytes: 1e9, to: 4 }).length).toBe(4);
        expect(readAll(reader, 'events', 10)).toEqual([]);
      }));

    it('never stamps a smaller receivedAt, nor one that an earlier group has', () =>
      withLog(async ({ writer, reader }) => {
        const stamps: number[] = [];
        for (let i = 0; i < 20; i++) {
          const stamp = writer.stamp();
          stamps.push(stamp);
          await writer.append([frames('events', [String(stamp)])], [], stamp);
        }
        for (let i = 1; i < stamps.length; i++) expect(stamps[i]!).toBeGreaterThan(stamps[i - 1]!);
        expect(reader.read('events', 0, 0, ALL).map((batch) => batch.receivedAtMs)).toEqual(stamps);
      }));

    it('keeps what many senders append while commits are under way, each record once and before its sender is told', () =>
      withLog(async ({ writer, reader }) => {
        let told = 0;
        const send = async (sender: number): Promise<void> => {
          for (let turn = 0; turn < 20; turn++) {
            await writer.append([frames('events', [`${sender} ${turn}`])], [], writer.stamp());
            expect(reader.endOffset('events', 0)).toBeGreaterThanOrEqual(++told);
            // Some come together, others alone.
            if ((sender + turn) % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
        };
        await Promise.all(Array.from({ length: 8 }, (_, sender) => send(sender)));
        const found = readAll(reader, 'events').map(([, text]) => text);
        expect(found.length).toBe(160);
        for (let sender = 0; sender < 8; sender++) {
          const own = found.filter((text) => text.startsWith(`${sender} `));
          expect(own).toEqual(Array.from({ length: 20 }, (_, turn) => `${sender} ${turn}`));
        }
        const stamps = reader.read('events', 0, 0, ALL).map((batch) => batch.receivedAtMs);
        expect(stamps).toEqual([...new Set(stamps)].toSorted((a, b) => a - b));
      }));

    it('adds receipts up with the records', () =>
      withLog(async ({ writer, reader }) => {
        const receipt = (source: string, minuteMs: number, received: number) => ({ project: 'p', source, minuteMs, received });
        await Promise.all([
          writer.append([frames('events', ['a'])], [receipt('web', 60_000, 1)], writer.stamp()),
          writer.append([frames('events', ['b'])], [receipt('web', 60_000, 2)], writer.stamp()),
        ]);
        await writer.append([], [receipt('web', 120_000, 4), receipt('ios', 120_000, 8)], writer.stamp());
        const bySource = reader.snapshot(0).received.toSorted((a, b) => a.source.localeCompare(b.source));
        expect(bySource).toEqual([
          { project: 'p', source: 'ios', received: 8 },
          { project: 'p', source: 'web', received: 7 },
        ]);
        expect(reader.receipts(120_000).length).toBe(2);
        expect(reader.receipts(0).find((r) => r.minuteMs === 60_000)?.received).toBe(3);
      }));

    it('drops only whole old batches before an offset, and never the last', () =>
      withLog(async ({ writer, reader }) => {
        for (const pair of [['0', '1'], ['2', '3'], ['4', '5']]) {
          await writer.append([frames('events', pair)], [], writer.stamp());
        }
        const later = writer.stamp() + 1;
        expect(await writer.drop('events', 0, 3, later)).toBe(2);
        expect(reader.startOffset('events', 0)).toBe(2);
        expect(await writer.drop('events', 0, 6, 0)).toBe(0);
        expect(await writer.drop('events', 0, 6, later)).toBe(2);
        expect(readAll(reader, 'events', 4)).toEqual([[4, '4'], [5, '5']]);
        expect(() => reader.read('events', 0, 0, ALL)).toThrow(/no longer in the log/);
        await writer.append([frames('events', ['6'])], [], writer.stamp());
        expect(readAll(reader, 'events', 6)).toEqual([[6, '6']]);
      }));

    it('holds everything over a restart: epoch, offsets, receipts, the floor of receivedAt', async () => {
      let log = await driver.open();
      if (log.reopen === undefined) return log.close();
      const stamp = log.writer.stamp() + 5_000;
      const { epoch } = log.writer;
      await log.writer.append([frames('events', ['a'])], [{ project: 'p', source: 's', minuteMs: 0, received: 1 }], stamp);
      log = await log.reopen();
      expect(log.writer.epoch).toBe(epoch);
      expect(log.writer.stamp()).toBeGreaterThan(stamp);
      await log.writer.append([frames('events', ['b'])], [{ project: 'p', source: 's', minuteMs: 0, received: 1 }], log.writer.stamp());
      expect(readAll(log.reader, 'events')).toEqual([[0, 'a'], [1, 'b']]);
      expect(log.reader.snapshot(0).endOffsets).toEqual({ events: 2, quarantine: 0 });
      expect(log.reader.snapshot(0).received).toEqual([{ project: 'p', source: 's', received: 2 }]);
      await log.close();
    });
  });
}
