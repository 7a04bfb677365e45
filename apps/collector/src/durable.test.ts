/** The collector over the real log: what it has answered is on disk, for another reader, and after a restart. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRow } from '@tidemark/event';
import { forEachRecord, LmdbLogReader, LmdbLogWriter } from '@tidemark/log';
import { expect, it } from 'vitest';
import { event, startCollector } from './testing/server.ts';

it('has written what it has answered, and goes on after a restart', async () => {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-collector-log-'));
  const answered: string[] = [];
  for (let start = 0; start < 2; start++) {
    const log = await LmdbLogWriter.open(path);
    await using collector = await startCollector({ log });
    const batches = Array.from({ length: 10 }, () => Array.from({ length: 5 }, () => event()));
    await Promise.all(
      batches.map(async (events) => {
        const { status } = await collector.post('/api/events/batch', { events: [...events, 'bad'] });
        expect(status).toBe(202);
        answered.push(...events.map(({ eventId }) => eventId as string));
      }),
    );
    const reader = LmdbLogReader.open(path)!;
    const found: string[] = [];
    for (const batch of reader.read('events', 0, 0, { maxRecords: 1e6, maxBytes: 1e9 })) {
      forEachRecord(batch, (_, bytes, from, to) => found.push(readRow(bytes.subarray(from, to)).eventId));
    }
    expect(found.toSorted()).toEqual(answered.toSorted());
    const { endOffsets, received } = reader.snapshot(0);
    expect(received).toMatchObject([{ received: endOffsets.events + endOffsets.quarantine }]);
    await reader.close();
    await collector.close();
    await log.close();
  }
  rmSync(path, { recursive: true, force: true });
});
