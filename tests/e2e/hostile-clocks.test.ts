/**
 * Clocks that jump, ours and our senders': collector, log and processor as they are, in this process, under a clock that
 * the test sets. `TIDEMARK_CLOCK_RUNS=30` tries more histories; fast-check prints the seed of a failing one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCollector, type Collector } from '@tidemark/collector';
import type { WriteKeyGrant } from '@tidemark/control';
import { accountingCheck, type AccountingDifference } from '@tidemark/jobs';
import { Lake } from '@tidemark/lake';
import { LmdbLogReader, LmdbLogWriter, LmdbPositions } from '@tidemark/log';
import { createMetrics } from '@tidemark/metrics';
import { atTheDoor } from '@tidemark/model';
import { createAdmission } from '@tidemark/pipeline';
import { Processor } from '@tidemark/processor';
import type { ChdbWarehouse } from '@tidemark/warehouse';
import { openMigrated } from '@tidemark/warehouse/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { seededRandom } from '../crash/ledger.ts';

const RUNS = Number(process.env['TIDEMARK_CLOCK_RUNS'] ?? 3);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEARS_MS = 3_650 * DAY_MS;
const BUCKET_MS = 15 * MINUTE_MS;
const START_MS = Date.UTC(2026, 4, 3, 10);
const KEY = 'c000000000000000000000001';
const GRANT: WriteKeyGrant = {
  project: 'p1', source: 'web', limits: { eventsPerSecond: 500, bytesPerSecond: null }, settings: { bots: 'flag', ip: 'drop', retentionDays: null, consentCategory: 'analytics' },
};

/** Collector and engine around one clock; both can be started again. */
class Machine {
  /** What the machine's clock says, epoch ms. */
  clockMs = START_MS;
  /** eventId -> its time as the model says, and when it was received; the first copy counts. */
  readonly acknowledged = new Map<string, { timeMs: number; receivedAtMs: number }>();
  received = 0;
  readonly folder = mkdtempSync(join(tmpdir(), 'tidemark-clocks-'));
  readonly #nowMs = () => this.clockMs;
  warehouse!: ChdbWarehouse;
  reader!: LmdbLogReader;
  processor!: Processor;
  #lake!: Lake;
  #positions!: LmdbPositions;
  #log!: LmdbLogWriter;
  #collector!: Collector;
  #lastReceivedAtMs = 0;

  async open(): Promise<void> {
    this.warehouse = await openMigrated({ path: join(this.folder, 'warehouse') });
    this.#lake = await Lake.open(join(this.folder, 'lake'), this.warehouse);
    this.#positions = new LmdbPositions(join(this.folder, 'positions'));
    await this.#startCollector();
    this.reader = LmdbLogReader.open(join(this.folder, 'log'))!;
    await this.#startProcessor();
  }

  async restartCollector(): Promise<void> {
    await this.#collector.close();
    await this.#log.close();
    await this.#startCollector();
  }

  async restartProcessor(): Promise<void> {
    await this.processor.stop();
    await this.#startProcessor();
  }

  /** Sends a batch and notes what the answer and the model say of it. */
  async send(events: readonly { eventId: string; timestamp?: number }[], sentAt: number | undefined): Promise<void> {
    const { port } = this.#collector.server.address() as AddressInfo;
    const batch = { ...(sentAt === undefined ? {} : { sentAt }), events: events.map((event) => ({ ...event, eventName: 'click', userId: 'u1' })) };
    const response = await fetch(`http://127.0.0.1:${port}/api/events/batch`, { method: 'POST', headers: { authorization: `Bearer ${KEY}` }, body: JSON.stringify(batch) });
    const answer = (await response.json()) as { accepted: number; receivedAt: string };
    expect(response.status).toBe(202);
    const receivedAtMs = Date.parse(answer.receivedAt);
    expect(receivedAtMs, 'receivedAt never decreases').toBeGreaterThanOrEqual(this.#lastReceivedAtMs);
    expect(receivedAtMs, 'nor is it behind the clock').toBeGreaterThanOrEqual(this.clockMs);
    this.#lastReceivedAtMs = receivedAtMs;
    // T7: set back by more than two minutes, the clock is what times are corrected by.
    const byMs = this.clockMs < receivedAtMs - 120_000 ? this.clockMs : receivedAtMs;
    let good = 0;
    for (const event of batch.events) {
      const end = atTheDoor(event, { receivedAtMs: byMs, sentAt });
      if (end.end !== 'stored') continue;
      good++;
      if (!this.acknowledged.has(event.eventId)) this.acknowledged.set(event.eventId, { timeMs: end.event.timeMs, receivedAtMs });
    }
    expect(answer.accepted).toBe(good);
    this.received += batch.events.length;
  }

  /** What asOf says is in must be in: all that was acknowledged up to then. */
  async expectHonest(): Promise<void> {
    const { asOfMs } = this.processor.status();
    const stored = new Set((await this.stored()).map(({ eventId }) => eventId));
    for (const [eventId, { receivedAtMs }] of this.acknowledged) if (receivedAtMs <= asOfMs) expect(stored, `asOf ${asOfMs}`).toContain(eventId);
  }

  async stored(): Promise<{ eventId: string; timeMs: number }[]> {
    const { rows } = await this.warehouse.query<{ eventId: string; timeMs: number }>('SELECT event_id AS eventId, toUnixTimestamp64Milli(time) AS timeMs FROM events');
    return rows.map(({ eventId, timeMs }) => ({ eventId, timeMs: Number(timeMs) }));
  }

  /** All that was acknowledged is stored, once, at the time that the model says. */
  async expectExact(): Promise<void> {
    expect(await this.processor.caughtUp(60_000)).toBe(true);
    const inBuckets = (times: readonly number[]): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const ms of times) {
        const bucket = new Date(ms - (ms % BUCKET_MS)).toISOString();
        counts[bucket] = (counts[bucket] ?? 0) + 1;
      }
      return counts;
    };
    const stored = await this.stored();
    expect(inBuckets(stored.map(({ timeMs }) => timeMs))).toEqual(inBuckets([...this.acknowledged.values()].map(({ timeMs }) => timeMs)));
    expect(stored.map(({ eventId, timeMs }) => `${eventId} ${timeMs}`).toSorted()).toEqual([...this.acknowledged].map(([eventId, { timeMs }]) => `${eventId} ${timeMs}`).toSorted());
    await expect.poll(async () => (await this.processor.balance()).pending).toBe(0);
    expect(await this.processor.balance()).toMatchObject({ received: this.received, stored: stored.length, difference: 0 });
    const differing: AccountingDifference[] = [];
    await accountingCheck({ log: this.reader, processor: this.processor, warehouse: this.warehouse, nowMs: this.#nowMs, report: (all) => differing.push(...all) }).run();
    expect(differing).toEqual([]);
  }

  async close(): Promise<void> {
    await this.#collector.close();
    await this.processor.stop();
    await this.reader.close();
    await this.#log.close();
    await this.#positions.close();
    this.#lake.close();
    await this.warehouse.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #startCollector(): Promise<void> {
    this.#log = await LmdbLogWriter.open(join(this.folder, 'log'), this.#nowMs);
    this.#collector = createCollector({
      log: this.#log,
      keys: { find: () => GRANT, close: async () => {} },
      admission: createAdmission({ countryOf: () => '' }),
      nowMs: this.#nowMs,
      metrics: createMetrics({ role: 'collector' }),
      logger: { info: () => {}, warn: () => {}, error: (_, message) => expect.fail(message) },
      engineSocketPath: join(this.folder, 'engine.sock'),
    });
    await new Promise<void>((resolve) => this.#collector.server.listen(0, '127.0.0.1', resolve));
  }

  async #startProcessor(): Promise<void> {
    const { reader, warehouse } = this;
    this.processor = await Processor.open({ reader, positions: this.#positions, warehouse, lake: this.#lake, temporaryFolder: warehouse.temporaryFolder, nowMs: this.#nowMs, version: 'test', lingerMs: 0 });
    this.processor.start();
  }
}

let machine: Machine;
beforeEach(async () => {
  machine = new Machine();
  await machine.open();
});
afterEach(() => machine.close());

type Step = { do: 'pass'; ms: number } | { do: 'jump'; ms: number } | { do: 'send'; ageMs: number | undefined; sentAt: boolean } | { do: 'restart'; what: 'collector' | 'processor' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 20 * MINUTE_MS }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(-YEARS_MS, -DAY_MS, -HOUR_MS, -90_000, -1, HOUR_MS, DAY_MS, YEARS_MS) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('send' as const), ageMs: fc.constantFrom(undefined, 0, 1_000, 2 * HOUR_MS, YEARS_MS, -2 * HOUR_MS, -YEARS_MS), sentAt: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), what: fc.constantFrom('collector' as const, 'processor' as const) }) },
);

it(`T4-T7, C9, A1: ${RUNS} histories of a clock that jumps: receivedAt never decreases, nothing is lost, asOf is honest, no key is locked out`, async () => {
  let number = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 24 }), async (steps) => {
      // What the senders' clocks say: they are right.
      let trueMs = START_MS;
      machine.clockMs = Math.max(machine.clockMs, START_MS);
      for (const step of [...steps, { do: 'send', ageMs: 0, sentAt: true } as const]) {
        if (step.do === 'pass') {
          trueMs += step.ms;
          machine.clockMs += step.ms;
        } else if (step.do === 'jump') machine.clockMs = Math.max(0, machine.clockMs + step.ms);
        else if (step.do === 'restart') await (step.what === 'collector' ? machine.restartCollector() : machine.restartProcessor());
        else {
          // The key allows 500 events a second: a second later it is open, wherever the clock went meanwhile.
          trueMs += 1_000;
          machine.clockMs += 1_000;
          const timestamp = step.ageMs === undefined ? {} : { timestamp: trueMs - step.ageMs };
          await machine.send(Array.from({ length: 5 }, () => ({ eventId: `e${number++}`, ...timestamp })), step.sentAt ? trueMs : undefined);
          await machine.expectHonest();
        }
      }
      await machine.expectExact();
      await machine.expectHonest();
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
}, 180_000 + RUNS * 30_000);

it('T4: an hour in which our clock was ten years ahead moves no event of the hours after', async () => {
  await machine.send([{ eventId: 'before', timestamp: START_MS }], START_MS);
  machine.clockMs += YEARS_MS;
  await machine.send([{ eventId: 'during', timestamp: START_MS + 1_000 }], START_MS + 1_000);
  machine.clockMs = START_MS + 2_000;
  await machine.send([{ eventId: 'after', timestamp: START_MS + 2_000 }, { eventId: 'without' }], START_MS + 2_000);
  await machine.expectExact();
  const times = new Map((await machine.stored()).map(({ eventId, timeMs }) => [eventId, timeMs]));
  expect([times.get('before'), times.get('after'), times.get('without')]).toEqual([START_MS, START_MS + 2_000, START_MS + 2_000]);
});

it('T4, X1: two hours offline and then a flood of 20 devices with wrong clocks, shuffled and sent again: each quarter of an hour is exact', async () => {
  const seed = Date.now() % 1_000_000;
  const random = seededRandom(seed);
  const truth = new Map<string, number>();
  const backlog: { device: number; events: { eventId: string; timestamp: number }[] }[] = [];
  const wrongMs = Array.from({ length: 20 }, () => Math.round((random() - 0.5) * 2 * DAY_MS));
  for (const [device, wrong] of wrongMs.entries()) {
    const events = Array.from({ length: 120 }, (_, index) => {
      const ms = START_MS + index * MINUTE_MS;
      truth.set(`d${device}-${index}`, ms);
      return { eventId: `d${device}-${index}`, timestamp: ms + wrong };
    }).toSorted(() => random() - 0.5);
    while (events.length > 0) backlog.push({ device, events: events.splice(0, 1 + Math.floor(random() * 60)) });
  }
  machine.clockMs = START_MS + 2 * HOUR_MS;
  const again = backlog.filter(() => random() < 0.2);
  for (const { device, events } of [...backlog, ...again].toSorted(() => random() - 0.5)) {
    machine.clockMs += 200 + Math.floor(random() * 400);
    const latencyMs = Math.floor(random() * 2_000);
    await machine.send(events, machine.clockMs - latencyMs + wrongMs[device]!);
  }
  await machine.expectExact();
  const stored = await machine.stored();
  expect(stored.length, `seed ${seed}`).toBe(20 * 120);
  // Right to half a minute and the latency, and in the order of each device.
  for (const { eventId, timeMs } of stored) expect(Math.abs(timeMs - truth.get(eventId)!), `seed ${seed}`).toBeLessThanOrEqual(121_000);
  expect((await machine.processor.balance()).duplicate).toBe(machine.received - 20 * 120);
});
