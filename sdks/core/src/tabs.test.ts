/**
 * Random lives of two tabs of one device against SPEC.md P5: calls, choices, restarts, faults, one tab standing still.
 * Whatever happens: nothing is sent, stored or known without consent, one content for an id, and who is granted is one device.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { DeviceClient } from './device/client.ts';
import type { ConsentChoice } from './device/consent.ts';
import { createTestDevice } from './testing/device-under-test.ts';
import { settle } from './testing/manual-clock.ts';
import type { Fault } from './testing/scripted-collector.ts';

type Step =
  | { do: 'track' | 'identify' | 'reset' | 'flush' | 'leave' | 'restart' | 'granted' | 'denied' | 'categories'; tab: 0 | 1 }
  | { do: 'pass' | 'jump'; ms: number }
  | { do: 'fault'; fault: Fault };

const tab = fc.constantFrom(0 as const, 1 as const);
const calls = ['identify', 'reset', 'flush', 'leave', 'restart', 'granted', 'denied', 'categories'] as const;
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('track' as const), tab }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom(...calls), tab }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 5_000, 120_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(-7_200_000, 86_400_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      fault: fc.constantFrom<Fault>('lost', 'unanswered', 'broken', { status: 503 }, { status: 400 }),
    }),
  },
);

const runs = Number(process.env['TIDEMARK_SDK_LIVES'] ?? 300);
const seed = Number(process.env['TIDEMARK_SDK_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));

it(`keeps its rules in ${runs} random lives of two tabs, seed ${seed}`, { timeout: 180_000 + runs * 50 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 50 }),
      fc.integer(),
      fc.constantFrom('granted' as const, 'unknown' as const),
      live,
    ),
    { numRuns: runs, seed },
  );
});

async function live(steps: Step[], draws: number, initial: 'granted' | 'unknown'): Promise<void> {
  const { clock, storage, collector, said, start } = createTestDevice(draws);
  const hear: ((choice: ConsentChoice, device: string) => void)[] = [];
  const begin = (own: 0 | 1): DeviceClient =>
    start(
      { consent: initial },
      {
        otherTabs: {
          tell: (...choice) => hear[1 - own]?.(...choice),
          hear: (listener) => (hear[own] = listener),
        },
      },
    );
  const tabs = [begin(0), begin(1)];
  await settle();
  /** Both alike, but for one that began again after a denial: it knows of no choice. */
  let allowed = initial === 'granted';
  collector.onRequest = () => expect(allowed, 'a request without consent').toBe(true);
  let resets = 0;

  for (const each of steps) {
    switch (each.do) {
      case 'track':
        tabs[each.tab]!.track('seen');
        break;
      case 'identify':
        tabs[each.tab]!.identify('u1');
        break;
      case 'reset':
        resets++;
        tabs[each.tab]!.reset();
        break;
      case 'flush':
        void tabs[each.tab]!.flush();
        break;
      case 'leave':
        if (allowed) tabs[each.tab]!.leave(6_000);
        break;
      case 'restart':
        // Where consent is the default it holds for a page that comes anew, whatever another was told: a case of its own.
        if (initial === 'granted' && !allowed) break;
        await settle();
        tabs[each.tab]!.close();
        tabs[each.tab] = begin(each.tab);
        break;
      case 'granted':
      case 'denied':
      case 'categories':
        allowed = each.do !== 'denied';
        tabs[each.tab]!.consent(each.do === 'categories' ? { analytics: true, advertising: false } : each.do);
        break;
      case 'pass':
        await clock.advance(each.ms);
        break;
      case 'jump':
        clock.jump(each.ms);
        break;
      case 'fault':
        collector.faults.push(each.fault);
        break;
    }
    await settle();
    const statuses = tabs.map(({ consentStatus }) => consentStatus);
    expect(statuses.every((status) => (status === 'granted') === allowed), `${each.do}: ${statuses.join()}`).toBe(true);
    if (allowed) expect(tabs[1]!.anonymousId).toBe(tabs[0]!.anonymousId);
    else {
      expect(storage.events.size + storage.texts.size).toBe(0);
      expect(tabs.map(({ waiting }) => waiting.events)).toEqual([0, 0]);
    }
  }

  // Peace: faults end, two hours pass.
  collector.faults = [];
  await clock.advance(7_200_000);
  expect(said.filter((sentence) => sentence.startsWith('failed'))).toEqual([]);
  expect(tabs.map(({ waiting }) => waiting.events)).toEqual([0, 0]);
  expect(storage.events.size).toBe(0);
  // A number says which event of its device it is, to whichever tab it fell.
  const numbers = collector.stored.map(({ anonymousId, sequence }) => `${anonymousId} ${sequence}`);
  if (resets > 0) return;
  expect(new Set(numbers).size).toBe(numbers.length);
  // Each denial ends a device; between two there is one, though each tab had its own while nobody was asked.
  const devices = new Set(collector.stored.map(({ anonymousId }) => anonymousId));
  const denials = steps.filter((each) => each.do === 'denied').length;
  expect(devices.size).toBeLessThanOrEqual(denials + 1);
}
