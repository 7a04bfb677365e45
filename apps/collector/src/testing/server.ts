/** A collector on a real port over a log in memory, with the real admission; for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyDirectory, WriteKeyGrant } from '@tidemark/control';
import { readRow } from '@tidemark/event';
import { forEachRecord, MemoryLog } from '@tidemark/log';
import { createMetrics } from '@tidemark/metrics';
import { createAdmission } from '@tidemark/pipeline';
import type { QuarantineRecord } from '@tidemark/pipeline';
import { createCollector } from '../collector.ts';
import type { CollectorOptions } from '../collector.ts';

export const KEY = 'c000000000000000000000001';
export const GRANT: WriteKeyGrant = {
  project: 'shop',
  source: 'web',
  limits: { eventsPerSecond: null, bytesPerSecond: null },
  settings: { bots: 'flag', ip: 'drop', retentionDays: null, consentCategory: 'analytics' },
};

interface Posted {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

export interface RunningCollector {
  url: string;
  port: number;
  log: MemoryLog;
  grants: Map<string, WriteKeyGrant>;
  /** Lines logged, as `level message`. */
  logged: string[];
  engineSocketPath: string;
  /** Posts JSON (or bytes as they are) with the key, and reads the JSON answer. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Posted>;
  events(): ReturnType<typeof readRow>[];
  quarantined(): QuarantineRecord[];
  /** received less what is accounted for; 0 when the books are right. */
  difference(): number;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** With another log than the one in memory, what reads it back is the test's own. */
export async function startCollector(options: Partial<CollectorOptions> = {}): Promise<RunningCollector> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-collector-'));
  const log = options.log instanceof MemoryLog ? options.log : new MemoryLog();
  const grants = new Map([[KEY, GRANT]]);
  const keys: KeyDirectory = { find: (key) => grants.get(key), close: async () => {} };
  const logged: string[] = [];
  const line = (level: string) => (_: object, message: string) => void logged.push(`${level} ${message}`);
  const engineSocketPath = join(folder, 'engine.sock');
  const { server, close } = createCollector({
    keys,
    admission: createAdmission({ countryOf: () => '' }),
    nowMs: Date.now,
    metrics: createMetrics({ role: 'collector' }),
    logger: { info: line('info'), warn: line('warn'), error: line('error') },
    engineSocketPath,
    log,
    ...options,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  function records<T>(topic: 'events' | 'quarantine', read: (bytes: Buffer) => T): T[] {
    const found: T[] = [];
    for (const batch of log.read(topic, 0, 0, { maxRecords: 1e9, maxBytes: 1e12 })) {
      forEachRecord(batch, (_, bytes, start, end) => found.push(read(bytes.subarray(start, end))));
    }
    return found;
  }

  let closing: Promise<void> | undefined;
  const running: RunningCollector = {
    url,
    port,
    log,
    grants,
    logged,
    engineSocketPath,
    async post(path, body, headers = {}) {
      const raw = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      const response = await fetch(url + path, {
        method: 'POST',
        body: raw,
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: JSON.parse(text) as Record<string, unknown> };
    },
    events: () => records('events', readRow),
    quarantined: () => records('quarantine', (bytes) => JSON.parse(bytes.toString()) as QuarantineRecord),
    difference() {
      const received = log.snapshot(0).received.reduce((sum, total) => sum + total.received, 0);
      const kept = running.quarantined().reduce((sum, record) => sum + (record.kind === 'tally' ? record.events : record.kind === 'item' ? 1 : -1), 0);
      return received - kept - running.events().length;
    },
    close: () => (closing ??= close().then(() => rmSync(folder, { recursive: true, force: true }))),
    [Symbol.asyncDispose]: () => running.close(),
  };
  return running;
}

let counter = 0;
/** A legal event; no two alike. */
export function event(more: Record<string, unknown> = {}): Record<string, unknown> {
  counter++;
  return {
    eventId: `e-${counter}`,
    eventName: 'click',
    userId: 'u1',
    timestamp: Date.now(),
    properties: { n: counter },
    ...more,
  };
}
