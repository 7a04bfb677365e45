/** X3 over weeks: which week a row lies in is worked out here as the table does it, and a wrong guess of a filter hides no copy. */
import { PREFIX } from '@tidemark/event';
import type { RecordBatch } from '@tidemark/log';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { storedEvent, TestPipeline } from '../testing.ts';
import { deduplicate, forEachRow } from './deduplicate.ts';
import { SeenIds } from './seen-ids.ts';
import { WeekClock } from './week.ts';

const DAY_MS = 86_400_000;
const pipeline = new TestPipeline();
beforeAll(() => pipeline.open());
afterAll(() => pipeline.close());

it('names the week of a row as the partition of its row in ClickHouse', async () => {
  const edges = [0, 4 * DAY_MS - 1, 4 * DAY_MS, 0xffff_ffff * 1000, Date.UTC(2026, 10, 16) - 1, Date.UTC(2026, 10, 16)];
  const times = [...edges, ...fc.sample(fc.integer({ min: 0, max: 0xffff_ffff }).map((seconds) => seconds * 1000 + 999), 300)];
  const { rows } = await pipeline.warehouse.query<{ week: string }>(
    `SELECT formatDateTime(toMonday(toDateTime(toDateTime64(arrayJoin([${times.map((ms) => (ms / 1000).toFixed(3)).join(', ')}]), 3, 'UTC'))), '%Y%m%d') AS week`,
  );
  const clock = new WeekClock();
  expect(times.map((ms) => clock.at(ms))).toEqual(rows.map(({ week }) => week));
});

it('X3: a new id that a filter of another week takes for seen is kept, and its copies are found', async () => {
  const seen = await SeenIds.load(pipeline.warehouse, pipeline.warehouse.temporaryFolder, Date.now());
  const lastWeek = Date.now() - 8 * DAY_MS;
  // The five highest bits of the second word choose no bit: for the filter the two are one.
  const [id, twin] = [Buffer.alloc(16, 7), Buffer.alloc(16, 7)];
  twin[7]! ^= 0xf8;
  let from = 0;
  const verdictOf = async (key: Buffer, receivedAtMs: number): Promise<string> => {
    await pipeline.append([storedEvent(`e${from}`)]);
    const batches = pipeline.reader.read('events', 0, from, { maxRecords: 1, maxBytes: 1 }).map((batch): RecordBatch => ({ ...batch, bytes: Buffer.from(batch.bytes) }));
    const range = { epoch: pipeline.reader.epoch, partition: 0, from, to: ++from };
    forEachRow(batches, range, (_, bytes, at) => {
      key.copy(bytes, at + PREFIX.key);
      bytes.writeUInt32LE(1, at + PREFIX.content);
      bytes.writeBigInt64LE(BigInt(receivedAtMs), at + PREFIX.receivedAt);
    });
    const [verdict] = await deduplicate(batches, range, seen, false);
    if (verdict === 'keep') {
      const values = `unhex('${key.toString('hex')}'), 1, ${Math.floor(receivedAtMs / 1000)}, '${range.epoch}', 0, ${range.from}`;
      await pipeline.warehouse.command(`INSERT INTO event_ids (key, content, received_at, epoch, partition, offset) SELECT ${values}`);
    }
    return verdict!;
  };
  expect(await verdictOf(id, lastWeek)).toBe('keep');
  expect(await verdictOf(twin, Date.now())).toBe('keep');
  expect(await verdictOf(twin, Date.now())).toBe('duplicate');
  expect(await verdictOf(id, Date.now())).toBe('duplicate');
  const loaded = await SeenIds.load(pipeline.warehouse, pipeline.warehouse.temporaryFolder, Date.now());
  expect([loaded.size, loaded.windowStartMs]).toEqual([2, Math.floor(lastWeek / 1000) * 1000]);
  loaded.forgetBefore(new Date(Date.now() - 7 * DAY_MS).toISOString().slice(0, 10).replaceAll('-', ''));
  expect(loaded.size).toBe(1);
});
