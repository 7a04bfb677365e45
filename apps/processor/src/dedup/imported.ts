import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FLAG, PREFIX, readInt64, readRow } from '@tidemark/event';
import type { RecordBatch } from '@tidemark/log';
import { literal, timeLiteral, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import { forEachRow, type Verdict } from './deduplicate.ts';

/**
 * Imported rows may be older than the dedup window: a file imported again after months must still change nothing. So
 * those that the window did not find are looked for among the events of their own times, and marked as duplicates.
 * An imported row carries its own time and a lasting id, so a copy stands at the very same time.
 */
export async function markImported(
  batches: readonly RecordBatch[],
  range: OffsetRange,
  verdicts: Verdict[],
  { warehouse, temporaryFolder }: { warehouse: Warehouse; temporaryFolder: string },
): Promise<void> {
  const imported = new Map<string, number>();
  let [fromMs, toMs] = [Infinity, -Infinity];
  forEachRow(batches, range, (index, bytes, start, end) => {
    if (verdicts[index] !== 'keep' || (bytes.readUInt16LE(start + PREFIX.flags) & FLAG.imported) === 0) return;
    const { project, eventId } = readRow(bytes.subarray(start, end));
    imported.set(JSON.stringify({ project, event_id: eventId }), index);
    const timeMs = readInt64(bytes, start + PREFIX.time);
    fromMs = Math.min(fromMs, timeMs);
    toMs = Math.max(toMs, timeMs);
  });
  if (imported.size === 0) return;
  const file = join(temporaryFolder, 'imported.ndjson');
  await writeFile(file, [...imported.keys()].join('\n'));
  const ids = `file(${literal(file)}, 'JSONEachRow', 'project String, event_id String')`;
  const { rows } = await warehouse.query<{ project: string; event_id: string }>(
    `SELECT project, event_id FROM events
     WHERE time >= ${timeLiteral(fromMs)} AND time <= ${timeLiteral(toMs)} AND (project, event_id) IN (SELECT project, event_id FROM ${ids})
       AND NOT (epoch = ${literal(range.epoch)} AND partition = ${range.partition} AND offset >= ${range.from})`,
  );
  await rm(file, { force: true });
  for (const { project, event_id } of rows) {
    const index = imported.get(JSON.stringify({ project, event_id }));
    if (index !== undefined) verdicts[index] = 'duplicate';
  }
}
