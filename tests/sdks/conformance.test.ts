/** The plain-data cases of sdks/conformance, run by our own SDKs: the device's core, which pages and apps share, and Node's. */
import { createDeviceClient, createStandstill, withJournal } from '@tidemark/sdk-core';
import type { ConsentChoice, DeviceClient, DeviceOptions, DurableQueue, Standstill } from '@tidemark/sdk-core';
import { CaseCollector, casesFor, runCase } from '@tidemark/sdk-conformance';
import type { ConformanceCase, Subject } from '@tidemark/sdk-conformance';
import { createManualClock, createMemoryStorage, createSeededRandom, settle } from '@tidemark/sdk-core/testing';
import { createTidemark } from '@tidemark/node';
import { describe, expect, it } from 'vitest';

const LIMITS = { flushAt: 4, flushIntervalMs: 5_000, maxQueueEvents: 20, minDelayMs: 1_000, maxDelayMs: 60_000 };
const START_MS = Date.UTC(2026, 4, 3, 10);
const random = { ...createSeededRandom(1), fraction: () => 0.5 };
const check = (found: unknown, expected: unknown, where: string): void => expect(found, where).toEqual(expected);

interface Tab {
  client: DeviceClient;
  standstill: Standstill;
  /** What rang while it stood still; absent: it runs. */
  held?: (() => void)[] | undefined;
  hearing: ((choice: ConsentChoice, device: string) => void)[];
}

function device({ given }: ConformanceCase): Subject {
  const options = {
    ...LIMITS,
    writeKey: 'k',
    library: { name: 'case', version: '1' },
    maxQueueBytes: 1e6,
    maxBatchEvents: 8,
    maxBatchBytes: 1e5,
    timeoutMs: 10_000,
    maxHeldEvents: 100,
    consent: 'granted',
    consentCategory: 'analytics',
    privacySignal: false,
    ...given?.options,
  } as DeviceOptions;
  const clock = createManualClock(START_MS);
  const storage = createMemoryStorage();
  const collector = new CaseCollector();
  let online = true;
  const tabs: Tab[] = [];
  const begin = (): Tab => {
    const hearing: Tab['hearing'] = [];
    let queue: DurableQueue;
    const client = createDeviceClient(options, {
      clock: {
        ...clock,
        after: (ms, ring) => clock.after(ms, () => (tab.held ? void tab.held.push(ring) : ring())),
      },
      random,
      state: storage.state,
      makeDurable: (...parts) => (queue = withJournal(storage.journal)(...parts)),
      transport: { send: async (body: string) => (tab.held ? expect.unreachable('it stands still') : collector.send(body)) },
      otherTabs: {
        hear: (listener) => void hearing.push(listener),
        tell: (...choice) => {
          for (const tab of tabs) if (tab.client !== client && !tab.held) tab.hearing.forEach((hear) => hear(...choice));
        },
      },
      context: () => ({}),
      debug: () => {},
    });
    client.setOnline(online);
    const tab: Tab = { client, hearing, standstill: createStandstill(client, storage.state, queue!) };
    return tab;
  };
  tabs.push(begin());
  return {
    collector,
    call(step) {
      const { client } = tabs[(step.tab ?? 1) - 1]!;
      if (step.call === 'track') client.track(step.name, step.properties);
      else if (step.call === 'identify') client.identify(step.userId);
      else if (step.call === 'consent') client.consent(step.choice);
      else if (step.call === 'reset') client.reset();
      else void client.flush();
    },
    pass: (ms) => clock.advance(ms).then(settle),
    setClock: (byMs) => clock.jump(byMs),
    setNetwork(on) {
      online = on;
      for (const { client, held } of tabs) if (!held) client.setOnline(on);
    },
    setStorage(how) {
      storage.full = how === 'full';
      storage.stuck = how === 'stuck';
    },
    async restart() {
      await settle();
      storage.stuck = false;
      tabs[0]!.client.close();
      tabs[0] = begin();
    },
    async openTab() {
      tabs.push(begin());
      await settle();
    },
    killTab: () => tabs.pop()!.client.close(),
    freeze() {
      tabs[0]!.held = [];
      tabs[0]!.standstill.begin();
    },
    async resume() {
      const [tab] = tabs as [Tab];
      const rang = tab.held!.splice(0);
      tab.held = undefined;
      tab.standstill.end();
      tab.client.setOnline(online);
      for (const ring of rang) ring();
      await settle();
    },
    get waiting() {
      return tabs.reduce((sum, { client }) => sum + client.waiting.events, 0);
    },
  };
}

function server({ given }: ConformanceCase): Subject {
  const clock = createManualClock(START_MS);
  const collector = new CaseCollector();
  const client = createTidemark(
    { ...LIMITS, host: 'http://localhost', writeKey: 'k', flushOnExit: false, ...given?.options },
    { clock, random, transport: { send: async (body) => collector.send(body) } },
  );
  return {
    collector,
    call(step) {
      if (step.call === 'track')
        void client.track({
          eventName: step.name,
          userId: 'u1',
          ...(step.properties && { properties: step.properties }),
        });
      else if (step.call === 'flush') void client.flush();
      else throw new Error(`a case for servers calls ${step.call}`);
    },
    pass: (ms) => clock.advance(ms).then(settle),
    setClock: (byMs) => clock.jump(byMs),
    setNetwork: () => expect.unreachable(),
    setStorage: () => expect.unreachable(),
    restart: () => expect.unreachable(),
    openTab: () => expect.unreachable(),
    killTab: () => expect.unreachable(),
    freeze: () => expect.unreachable(),
    resume: () => expect.unreachable(),
    get waiting() {
      return client.waiting.events;
    },
  };
}

describe.each([
  ['device', device],
  ['tabs', device],
  ['server', server],
] as const)('an SDK, cases of kind %s', (kind, subject) => {
  it.each(casesFor(kind).map((each) => [each.rule, each.name, each] as const))('%s: %s', (_rule, _name, each) =>
    runCase(each, subject(each), check),
  );
});
