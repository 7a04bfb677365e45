/**
 * Random lives of a device against SPEC.md: calls, faults of the server, restarts, full storage, clock jumps, consent
 * given and withdrawn. Whatever happens: one content for an id, order within a device, everything bounded, nothing sent
 * without consent, and at the end every number that a device gave arrived, or is in its counts of drops.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { DeviceClient } from './device/client.ts';
import { SMALL, createTestDevice } from './testing/device-under-test.ts';
import { settle } from './testing/manual-clock.ts';
import type { Fault } from './testing/scripted-collector.ts';

type Step =
  | { do: 'track'; name: string; bytes: number }
  | {
      do:
        | 'identify'
        | 'reset'
        | 'flush'
        | 'leave'
        | 'restart'
        | 'online'
        | 'offline'
        | 'granted'
        | 'denied'
        | 'fill'
        | 'empty';
    }
  | { do: 'pass' | 'jump'; ms: number }
  | { do: 'fault'; fault: Fault; times: number };

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.constantFrom<Fault>('lost', 'unanswered', 'broken', 'portal'),
  fc.record({
    status: fc.constantFrom(301, 400, 401, 404, 408, 413, 429, 500, 503),
    retryAfter: fc.constantFrom('1', '120', '99999', 'Sun, 03 May 2026 10:05:00 GMT', 'soon'),
  }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('track' as const),
      name: fc.constantFrom('view', 'buy', 'poison'),
      bytes: fc.constantFrom(0, 100, 3_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 1_000, 5_000, 120_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('fault' as const), fault, times: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(-7_200_000, -1, 86_400_000) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...([
          'identify',
          'reset',
          'flush',
          'leave',
          'restart',
          'online',
          'offline',
          'granted',
          'denied',
          'fill',
          'empty',
        ] as const),
      ),
    }),
  },
);

const runs = Number(process.env['TIDEMARK_SDK_LIVES'] ?? 300);
/** In the test's name, for a run that takes too long fails without a word of fast-check's. */
const seed = Number(process.env['TIDEMARK_SDK_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));

it(`keeps its rules in ${runs} random lives, seed ${seed}`, { timeout: 180_000 + runs * 50 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer(),
      fc.boolean(),
      fc.constantFrom('granted' as const, 'unknown' as const),
      live,
    ),
    { numRuns: runs, seed },
  );
});

async function live(steps: Step[], seed: number, durable: boolean, consent: 'granted' | 'unknown'): Promise<void> {
  const { clock, storage, collector, said, start } = createTestDevice(seed);
  const begin = (): DeviceClient => start({ consent }, durable ? {} : { makeDurable: undefined });
  let client = begin();
  let allowed = consent === 'granted';
  /** Whether each number that was given must be found again: not once storage was full or memory lost. */
  let accountable = true;
  collector.onRequest = () => expect(client.consentStatus).toBe('granted');

  for (const each of steps) {
    switch (each.do) {
      case 'track':
        client.track(each.name, { filling: 'x'.repeat(each.bytes) });
        break;
      case 'identify':
        client.identify('u1', { plan: 'pro' });
        break;
      case 'reset':
        client.reset();
        break;
      case 'flush':
        void client.flush();
        break;
      case 'leave':
        client.leave(6_000);
        break;
      case 'restart':
        await settle();
        if (!durable && client.waiting.events > 0) accountable = false;
        client.close();
        client = begin();
        break;
      case 'online':
      case 'offline':
        client.setOnline(each.do === 'online');
        break;
      case 'granted':
      case 'denied':
        // What is withdrawn is neither sent nor counted.
        if (each.do === 'denied') accountable = false;
        allowed = each.do === 'granted';
        client.consent(each.do);
        break;
      case 'fill':
      case 'empty':
        storage.full = each.do === 'fill';
        if (storage.full) accountable = false;
        break;
      case 'pass':
        await clock.advance(each.ms);
        break;
      case 'jump':
        clock.jump(each.ms);
        break;
      case 'fault':
        collector.faults.push(...Array.from({ length: each.times }, () => each.fault));
        break;
    }
    await settle();
    const { events, bytes, held } = client.waiting;
    expect(events).toBeLessThanOrEqual(SMALL.maxQueueEvents);
    expect(bytes).toBeLessThanOrEqual(SMALL.maxQueueBytes);
    expect(held).toBeLessThanOrEqual(SMALL.maxHeldEvents);
    if (!storage.full) expect(storage.events.size).toBeLessThanOrEqual(SMALL.maxQueueEvents);
    if (!allowed && client.consentStatus === 'denied') {
      expect(storage.events.size).toBe(0);
      expect([...storage.texts.keys()]).toEqual([]);
    }
  }

  // Peace: faults end, the network is there, two hours pass.
  collector.faults = [];
  client.setOnline(true);
  await clock.advance(7_200_000);
  expect(said.filter((sentence) => sentence.startsWith('failed'))).toEqual([]);
  expect(client.waiting.events).toBe(0);
  const pending = JSON.parse(storage.texts.get('dropped') ?? '{}') as Record<string, number>;
  let [missing, counted] = [0, sum(pending)];
  // Last words may arrive before what was on its way (S8).
  const leaves = steps.some((each) => each.do === 'leave');
  for (const device of new Set(collector.stored.map(({ anonymousId }) => anonymousId))) {
    const sequences = collector.stored.filter((each) => each.anonymousId === device).map(({ sequence }) => sequence);
    expect(new Set(sequences).size).toBe(sequences.length);
    if (!leaves) expect(sequences).toEqual([...sequences].sort((x, y) => x - y));
  }
  for (const event of collector.stored) counted += sum(event.context.library.dropped ?? {});
  // Of each device, all numbers up to the last that it gave; a device of which nothing came is in the counts alone.
  const given = new Map<string, number>();
  for (const { anonymousId, sequence } of collector.stored)
    given.set(anonymousId, Math.max(given.get(anonymousId) ?? 0, sequence));
  for (const [, last] of given) missing += last;
  missing -= collector.stored.length;
  if (accountable) expect(missing).toBeLessThanOrEqual(counted);
  const resets = steps.filter((each) => each.do === 'reset').length;
  const last = Number(storage.texts.get('sequence')?.split(' ')[1] ?? 0);
  const ofThisDevice = collector.stored.filter(({ anonymousId }) => anonymousId === client.anonymousId);
  // What arrived unheard may be dropped later, and is counted although it came.
  const unheard =
    leaves || steps.some((each) => each.do === 'fault' && ['unanswered', 'broken'].includes(each.fault as string));
  if (accountable && resets === 0 && consent === 'granted' && !unheard)
    expect(last - ofThisDevice.length).toBe(counted);
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0);
