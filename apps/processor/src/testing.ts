/** A whole pipeline below the collector, for tests: a real log, a real chDB, a real lake, in a folder of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RowWriter, type StoredEvent } from '@tidemark/event';
import { Lake } from '@tidemark/lake';
import { LmdbLogReader, LmdbLogWriter, LmdbPositions, type Frames } from '@tidemark/log';
import type { ChdbWarehouse } from '@tidemark/warehouse';
import { openMigrated } from '@tidemark/warehouse/testing';
import { Processor, type ProcessorParts } from './processor.ts';

export class TestPipeline {
  readonly folder = mkdtempSync(join(tmpdir(), 'tidemark-processor-'));
  warehouse!: ChdbWarehouse;
  writer!: LmdbLogWriter;
  reader!: LmdbLogReader;
  positions!: LmdbPositions;
  lake!: Lake;

  async open(): Promise<void> {
    this.warehouse = await openMigrated({ path: join(this.folder, 'warehouse') });
    this.writer = await LmdbLogWriter.open(join(this.folder, 'log'));
    this.reader = LmdbLogReader.open(join(this.folder, 'log'))!;
    this.positions = new LmdbPositions(join(this.folder, 'positions'));
    this.lake = await Lake.open(join(this.folder, 'lake'), this.warehouse);
  }

  /** A processor as after a restart: nothing in memory is kept. */
  processor(options: Partial<ProcessorParts> = {}): Promise<Processor> {
    const { reader, positions, warehouse, lake } = this;
    const temporaryFolder = warehouse.temporaryFolder;
    return Processor.open({ reader, positions, warehouse, lake, temporaryFolder, nowMs: Date.now, version: 'test', lingerMs: 0, ...options });
  }

  async losePositions(): Promise<void> {
    await this.positions.close();
    rmSync(join(this.folder, 'positions'), { recursive: true });
    this.positions = new LmdbPositions(join(this.folder, 'positions'));
  }

  async append(events: readonly StoredEvent[]): Promise<void> {
    const receivedAtMs = this.writer.stamp();
    const receipts = events.map(({ project, source }) => ({ project, source, minuteMs: receivedAtMs - (receivedAtMs % 60_000), received: 1 }));
    await this.writer.append([eventFrames(events.map((event) => ({ ...event, receivedAtMs })))], receipts, receivedAtMs);
  }

  async ids(table: 'events' | 'timeline'): Promise<string[]> {
    const { rows } = await this.warehouse.query<{ event_id: string }>(`SELECT event_id FROM ${table} ORDER BY event_id`);
    return rows.map((row) => row.event_id);
  }

  async lakeIds(): Promise<string[]> {
    const ids: string[] = [];
    for (const { path } of this.lake.manifest.files) {
      const { rows } = await this.warehouse.query<{ event_id: string }>(`SELECT event_id FROM file('${join(this.folder, 'lake', path)}', 'Parquet')`);
      ids.push(...rows.map((row) => row.event_id));
    }
    return ids.toSorted();
  }

  async close(): Promise<void> {
    await this.reader.close();
    await this.writer.close();
    await this.positions.close();
    this.lake.close();
    await this.warehouse.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function eventFrames(events: readonly StoredEvent[]): Frames {
  const rows = new RowWriter();
  const parts: Buffer[] = [];
  for (const event of events) {
    rows.write(event);
    const row = rows.take();
    const length = Buffer.alloc(4);
    length.writeUInt32LE(row.length);
    parts.push(length, row);
  }
  return { topic: 'events', partition: 0, count: events.length, bytes: Buffer.concat(parts) };
}

export function storedEvent(eventId: string, change: Partial<StoredEvent> = {}): StoredEvent {
  const timeMs = Date.UTC(2026, 0, 15, 10);
  return {
    project: 'p1', source: 'web', eventId, eventName: 'click', type: 'track', userId: 'u1', anonymousId: '', sessionId: '', groupId: '',
    previousId: '', schemaVersion: '', sequence: 0, timeMs, originalTimeMs: timeMs, receivedAtMs: timeMs, bot: false, flags: 1,
    properties: '{"n":1}', context: '{}', traits: '{}', country: '', os: '', browser: '', deviceType: '', channel: '', campaignSource: '',
    campaignMedium: '', campaignName: '', referrerHost: '', pagePath: '', appVersion: '', locale: '', ...change,
  };
}
