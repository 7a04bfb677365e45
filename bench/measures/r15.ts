import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LedgerClient, seededRandom } from '../../tests/crash/ledger.ts';
import { ServerUnderTest } from '../../tests/server-under-test.ts';
import type { Pipeline } from '../server/api.ts';
import { WrongCount } from '../oracle/counts.ts';
import { knob } from '../options.ts';
import { spread, type Measure } from '../report/measure.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { entry } from './catalogue.ts';

const FAULTS = ['kill -9 collector', 'kill -9 engine', 'kill -9 both', 'disk full'] as const;
const DISK_MB = 1_600;

/**
 * R15: acknowledged events lost over rounds of kill -9 and of a full disk, under load. The crash tests' client keeps the
 * ledger; in the end every id is exported and held against it. Seldom is a figure here anything but 0: then it failed.
 */
export async function r15(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 8);
  const seed = knob('TIDEMARK_SEED', Date.now() % 1_000_000);
  const random = seededRandom(seed);
  const folder = newFolder();
  const hasSmallDisk = process.getuid?.() === 0 && spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', folder]).status === 0;
  const done: Record<string, number> = {};
  try {
    const server = await ServerUnderTest.start({ dataPath: join(folder, 'data') });
    try {
      await server.ready();
      const client = new LedgerClient(server, random);
      client.start(4);
      for (let round = 0; round < rounds; round++) {
        await delay(300 + random() * 1_200);
        const fault = FAULTS[round % (hasSmallDisk ? FAULTS.length : FAULTS.length - 1)]!;
        done[fault] = (done[fault] ?? 0) + 1;
        if (fault === 'disk full') await fillDisk(folder);
        if (fault === 'kill -9 collector' || fault === 'kill -9 both') server.kill('collector');
        if (fault === 'kill -9 engine' || fault === 'kill -9 both') server.kill('engine');
        await server.ready();
      }
      await client.stop();
      await processed(server);
      const { lost, found } = await compare(server, client);
      if (found.length > 0) throw new WrongCount(found.map((text) => `${text} (seed ${seed})`));
      return [
        {
          ...entry('R15'),
          what: `acknowledged events lost over ${rounds} rounds of ${Object.keys(done).join(', ')}, of ${client.acknowledged.size.toLocaleString('en')} (seed ${seed})`,
          value: spread([lost]),
          notes: hasSmallDisk ? [] : ['a full disk was not tried: it takes a small tmpfs, so root on Linux'],
          details: { rounds: done, acknowledged: client.acknowledged.size, sent: client.sent.size, resentBatches: client.resent, seed },
        },
      ];
    } finally {
      await server.end();
    }
  } finally {
    if (hasSmallDisk) spawnSync('umount', [folder]);
    removeFolder(folder);
  }
}

/** Takes the disk to its last page, holds it there for a second under load, and gives the room back. */
async function fillDisk(folder: string): Promise<void> {
  const ballast = join(folder, 'ballast');
  spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=1M', `count=${DISK_MB}`], { stdio: 'ignore' });
  await delay(1_000);
  rmSync(ballast, { force: true });
}

async function processed(server: ServerUnderTest): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; ) {
    const { balance } = await server.ask<Pipeline>('/api/pipeline');
    if (balance.difference !== 0) throw new WrongCount([`balance.difference: ${balance.difference}, should be 0`]);
    if (balance.pending === 0) return;
    if (Date.now() > deadline) throw new Error(`still ${balance.pending} events pending:\n${server.output}`);
    await delay(100);
  }
}

async function compare(server: ServerUnderTest, client: LedgerClient): Promise<{ lost: number; found: string[] }> {
  const response = await server.request('/api/events/export', { format: 'ndjson', from: '2020-01-01T00:00:00Z', to: 'now' });
  if (response.status !== 200) throw new Error(`the export answered ${response.status}`);
  const stored = new Set<string>();
  let lines = 0;
  // Line by line: no string holds a million events.
  for await (const line of createInterface({ input: Readable.fromWeb(response.body as ReadableStream) })) {
    stored.add((JSON.parse(line) as { eventId: string }).eventId);
    lines++;
  }
  const lost = [...client.acknowledged].filter((id) => !stored.has(id)).length;
  const invented = [...stored].filter((id) => !client.sent.has(id)).length;
  const counts = { 'acknowledged and lost': lost, 'stored twice': lines - stored.size, 'stored and never sent': invented };
  return { lost, found: Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`events ${what}: ${count}, should be 0`])) };
}
