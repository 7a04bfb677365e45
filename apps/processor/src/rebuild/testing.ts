import { join } from 'node:path';
import type { Processor } from '../processor.ts';
import type { TestPipeline } from '../testing.ts';
import { Rebuilds, type RebuildsParts } from './rebuilds.ts';

/** Rebuilds of a test pipeline, with a queue for what jobs would do. */
export function rebuildsOf(pipeline: TestPipeline, processor: Processor, change: Partial<RebuildsParts> = {}): Rebuilds {
  const { reader, positions, warehouse, lake, folder } = pipeline;
  return new Rebuilds({
    reader, positions, warehouse, lake, processor,
    temporaryFolder: warehouse.temporaryFolder,
    exclusively: oneAfterAnother(),
    derived: { tables: [], write: async () => {} },
    idsSinceMs: () => 0,
    swapped: async () => {},
    journalPath: join(folder, 'rebuild.journal'),
    nowMs: Date.now,
    room: { freeBytes: async () => Infinity, reserveBytes: 0 },
    onError: () => {},
    ...change,
  });
}

export function oneAfterAnother(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let tail: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = tail.then(work);
    tail = result.catch(() => {});
    return result;
  };
}

/** All that the tables hold, in a form that two states can be compared by. */
export async function contentsOf({ warehouse }: Pick<TestPipeline, 'warehouse'>): Promise<Record<string, unknown[]>> {
  const rows = async (sql: string): Promise<unknown[]> => (await warehouse.query(sql)).rows;
  return {
    events: await rows('SELECT * FROM events ORDER BY epoch, offset'),
    timeline: await rows('SELECT * FROM timeline ORDER BY epoch, offset'),
    ids: await rows('SELECT hex(key) AS id, * EXCEPT key FROM event_ids ORDER BY epoch, offset'),
    shadows: await rows(`SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE 'rebuild_%'`),
  };
}
