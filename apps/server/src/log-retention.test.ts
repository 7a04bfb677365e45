import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbPositions, MemoryLog } from '@tidemark/log';
import type { LogWriter } from '@tidemark/log';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dropConsumed, LOG_RETENTION_MS } from './log-retention.ts';

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

const roundAt = (minute: number) => dropConsumed(stepwise, folder, START_MS + LOG_RETENTION_MS + minute * MINUTE_MS);

test('drops all that is old and stored in one round, however little the log drops a call', async () => {
  await committed(25);
  expect(await roundAt(20)).toBe(20);
  expect(log.startOffset('events', 0)).toBe(20);
  expect(await roundAt(60)).toBe(5);
  expect(log.startOffset('events', 0)).toBe(25);
  expect(await roundAt(60)).toBe(0);
});

test('drops nothing that the stores may not have: no position yet, or one of another log', async () => {
  expect(await roundAt(60)).toBe(0);
  await committed(25, 'another');
  expect(await roundAt(60)).toBe(0);
});
