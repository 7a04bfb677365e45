/**
 * Which clients lose events by themselves when the collector is away for a while, and how many: the table in
 * docs/clients.md. TIDEMARK_CLIENTS=all tries each client with each fault; a part of its name (`node`, `posthog`) only some.
 */
import { createTidemark } from '@tidemark/node';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleSdk, openSite } from '../sdks/shop-page.ts';
import { readStored, upTo } from '../sdks/stored.ts';
import { ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';
import { clientSite, launchChromium, openPage, PAGES } from './browser-clients.ts';
import { CHROMIUM } from '../sdks/chromium.ts';
import type { PageClient } from './browser-clients.ts';
import { installedClients } from './installed.ts';
import { createClient, NODE_CLIENTS } from './node-clients.ts';
import { FAULTS, held, OUTAGE_EVENT, throughOutage } from './overload.ts';
import type { TrackingClient } from './overload.ts';

const folder = installedClients();
const CHOSEN = process.env['TIDEMARK_CLIENTS'];
const OUTAGE = { ms: 20_000, events: 20 };
/** How long after the end of the outage a client may take; the longest wait of any is 32 s by then. */
const SETTLE_MS = 45_000;

declare const window: { client: PageClient };

describe.skipIf(!folder)('clients in an outage', () => {
  let server: ServerUnderTest;
  let browser: Browser | undefined;
  beforeAll(async () => {
    server = await ServerUnderTest.start();
    await server.ready();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  const nodeClient =
    (kind: string, flush: object) =>
    (host: string): TrackingClient => {
      const client = createClient(folder!, kind, host, flush);
      return { track: (event, properties) => client.track('u1', event, { ...properties }), close: client.close };
    };
  const ourNodeClient = (host: string): TrackingClient => {
    const client = createTidemark({ host, writeKey: WRITE_KEY, flushOnExit: false });
    return {
      track: (eventName, properties) => client.track({ eventName, userId: 'u1', properties: { ...properties } }),
      close: () => client.close(1_000),
    };
  };

  /** Tracking clients of one kind, each a page of one site. */
  async function pages(kind: string): Promise<(host: string) => Promise<TrackingClient>> {
    browser ??= await launchChromium();
    const ours = kind === '@tidemark/browser';
    const site = ours ? undefined : await clientSite(folder!, kind);
    return async (host) => {
      const own = site ?? (await openSite(await bundleSdk('index.ts'), { writeKey: WRITE_KEY, host }));
      const page = await openPage(browser!, own, host);
      return {
        track: (event, properties) => page.evaluate(([e, p]) => {
          // Some give a promise of the delivery, which nobody may wait for here.
          window.client.track(e, p);
        }, [event, properties] as const),
        close: () => page.close(),
      };
    };
  }

  const cells = new Map<string, number[]>();
  async function lookUntil(wanted: (cell: string) => boolean, cell: string, withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!wanted(cell) && Date.now() < deadline) await new Promise((end) => setTimeout(end, 250));
  }
  async function look(): Promise<void> {
    const stored = await readStored(server, OUTAGE_EVENT, 0);
    cells.clear();
    for (const event of stored) {
      const cell = event.properties['cell'] as string;
      cells.set(cell, [...(cells.get(cell) ?? []), event.properties.n]);
    }
  }

  /** Runs outages side by side, and tells what was stored of each, by its cell. */
  async function run(outages: (() => Promise<void>)[]): Promise<void> {
    let over = false;
    const looking = (async () => {
      while (!over) {
        await look();
        await new Promise((end) => setTimeout(end, 500));
      }
    })();
    await Promise.all(outages.map((outage) => outage()));
    over = true;
    await looking;
  }

  it('four of them keep what they track, told "not now" as we tell each (F7)', async () => {
    const notNow = {
      '@segment/analytics-node': FAULTS['429, Retry-After']!,
      '@rudderstack/rudder-sdk-node': FAULTS['429, Retry-After']!,
      'posthog-node': FAULTS['connection reset']!,
      '@jitsu/js': held(2_000),
    };
    // As sent in an outage that is longer than they try, in less time.
    const impatient = { flushAt: 2, flushInterval: 200, maxRetries: 1, fetchRetryDelay: 300 };
    const outage = { ms: 3_000, events: 6 };
    const complete = (cell: string): boolean => cells.get(cell)?.length === outage.events;
    await run(
      Object.entries(notNow).map(([kind, fault]) => () =>
        throughOutage(server.url, kind, { fault, ...outage }, nodeClient(kind, impatient), (cell) =>
          lookUntil(complete, cell, 60_000),
        ),
      ),
    );
    for (const kind of Object.keys(notNow))
      expect([kind, cells.get(kind)?.toSorted((a, b) => a - b)]).toEqual([kind, upTo(outage.events)]);
  });

  it.runIf(CHOSEN)('each of them with each fault', { timeout: 600_000 }, async () => {
    const wanted = (name: string): boolean => CHOSEN === 'all' || name.includes(CHOSEN!);
    const starts = new Map<string, (host: string) => TrackingClient | Promise<TrackingClient>>();
    for (const kind of NODE_CLIENTS) if (wanted(`${kind} node`)) starts.set(`${kind} node`, nodeClient(kind, {}));
    if (wanted('@tidemark/node')) starts.set('@tidemark/node', ourNodeClient);
    if (CHROMIUM)
      for (const kind of [...Object.keys(PAGES), '@tidemark/browser'])
        if (wanted(`${kind} browser`)) starts.set(`${kind} browser`, await pages(kind));
    const complete = (cell: string): boolean => cells.get(cell)?.length === OUTAGE.events;
    // Pages of one client at a time: thirty-five at once starve each other on two cores, and their retries come too late to be counted.
    const isPage = (name: string): boolean => name.endsWith(' browser');
    const all = [...starts];
    for (const lot of [all.filter(([name]) => !isPage(name)), ...all.filter(([name]) => isPage(name)).map((page) => [page])]) {
      const outages = lot.flatMap(([name, start]) =>
        Object.entries(FAULTS).map(([column, fault]) => () =>
          throughOutage(server.url, `${name} ${column}`, { fault, ...OUTAGE }, start, (cell) => lookUntil(complete, cell, SETTLE_MS)),
        ),
      );
      await run(outages);
    }
    await look();
    console.log(`| lost of ${OUTAGE.events} | ${Object.keys(FAULTS).join(' | ')} |`);
    for (const name of starts.keys())
      console.log(`| ${name} | ${Object.keys(FAULTS).map((column) => OUTAGE.events - (cells.get(`${name} ${column}`)?.length ?? 0)).join(' | ')} |`);
  });
});
