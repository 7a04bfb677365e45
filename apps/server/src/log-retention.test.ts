import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbPositions, MemoryLog } from '@tidemark/log';
import type { LogWriter } from '@tidemark/log';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LOG_RETENTION_MS, LogRetention } from './log-retention.ts';

const START_MS = Date.UTC(2026, 4, 3, 10);
const MINUTE_MS = 60_000;

let folder: string;
let log: MemoryLog;
/** As the log on disk does it: a bounded number of batches a call, one here. */
let stepwise: Pick<LogWriter, 'epochs' | 'drop'>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-retention-'));
  log = new MemoryLog();
  stepwise = {
    epochs: log.epochs,
    drop: (topic, partition, beforeOffset, olderThanMs) =>
      log.drop(topic, partition, Math.min(beforeOffset, log.startOffset(topic, partition) + 1), olderThanMs),
  };
  // One batch a minute, of one record.
  for (let minute = 0; minute < 30; minute++) {
    const record = Buffer.from([1, 0, 0, 0, 65]);
    await log.append([{ topic: 'events', partition: 0, count: 1, bytes: record }], [], START_MS + minute * MINUTE_MS);
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

async function committed(offset: number, epoch = log.epoch): Promise<void> {
  const positions = new LmdbPositions(folder);
  await positions.set('events', 0, { epoch, offset, metadata: '' });
  await positions.close();
}

/** Rounds by a steady clock, in minutes since the retention was opened. */
function retention(): (minute: number) => Promise<number> {
  let steadyMs = 0;
  const opened = new LogRetention(stepwise, folder, () => steadyMs);
  return (minute) => {
    steadyMs = minute * MINUTE_MS;
    return opened.dropConsumed();
  };
}
const HOUR = LOG_RETENTION_MS / MINUTE_MS;

test('drops in one round all that the stores have had for an hour, however little the log drops a call', async () => {
  const roundAt = retention();
  await committed(20);
  expect(await roundAt(0)).toBe(0);
  await committed(25);
  expect(await roundAt(10)).toBe(0);
  expect(await roundAt(HOUR - 1)).toBe(0);
  expect(await roundAt(HOUR)).toBe(20);
  expect(log.startOffset('events', 0)).toBe(20);
  expect(await roundAt(HOUR + 9)).toBe(0);
  expect(await roundAt(HOUR + 10)).toBe(5);
  expect(log.startOffset('events', 0)).toBe(25);
  expect(await roundAt(HOUR + 90)).toBe(0);
});

test('what one round could not drop, the next one does', async () => {
  const roundAt = retention();
  await committed(25);
  await roundAt(0);
  const { drop } = stepwise;
  let calls = 0;
  stepwise.drop = async (...given) => (calls++ < 5 ? drop(...given) : 0);
  expect(await roundAt(HOUR)).toBe(5);
  stepwise.drop = drop;
  expect(await roundAt(HOUR + 1)).toBe(20);
});

test('drops nothing that the stores may not have: no position yet, one of another log, or one that fell back', async () => {
  const roundAt = retention();
  expect(await roundAt(0)).toBe(0);
  await committed(25, 'another');
  expect(await roundAt(1)).toBe(0);
  expect(await roundAt(HOUR + 1)).toBe(0);
  await committed(25);
  expect(await roundAt(HOUR + 2)).toBe(0);
  await committed(3);
  expect(await roundAt(2 * HOUR)).toBe(0);
  expect(await roundAt(2 * HOUR + 2)).toBe(0);
  expect(await roundAt(3 * HOUR)).toBe(3);
});

test("goes by how long the stores have had a record, whatever the machine's clock says the record's age is", async () => {
  const roundAt = retention();
  for (const receivedAtMs of [START_MS - 3_650 * 86_400_000, START_MS + 3_650 * 86_400_000]) {
    await log.append([{ topic: 'events', partition: 0, count: 1, bytes: Buffer.from([1, 0, 0, 0, 65]) }], [], receivedAtMs);
  }
  await committed(32);
  expect(await roundAt(0)).toBe(0);
  // The last batch always stays.
  expect(await roundAt(HOUR)).toBe(31);
});
