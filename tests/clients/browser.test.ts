/** Other vendors' browser clients, as published, in a real browser against our collector, incl. the end of a page. */
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';
import { openGate } from '../sdks/gate.ts';
import type { Gate } from '../sdks/gate.ts';
import { openSite } from '../sdks/shop-page.ts';
import { numbersOf, readStored, upTo } from '../sdks/stored.ts';
import type { StoredEvent } from '../sdks/stored.ts';
import { clientSite, launchChromium, openPage, PAGES } from './browser-clients.ts';
import { CHROMIUM } from '../sdks/chromium.ts';
import type { PageClient } from './browser-clients.ts';
import { installedClients } from './installed.ts';

/** The functions given to `evaluate` run in the page. */
declare const window: { client: PageClient };

const folder = CHROMIUM && installedClients();

describe.skipIf(!folder)("other vendors' browser clients", () => {
  let server: ServerUnderTest;
  let gate: Gate;
  let proxy: Gate;
  let browser: Browser;
  beforeAll(async () => {
    server = await ServerUnderTest.start({
      env: { TIDEMARK_ANALYTICS_JS: join(folder!, 'node_modules/@segment/analytics-next/dist/umd/standalone.js') },
    });
    await server.ready();
    gate = await openGate(server.url);
    proxy = await openGate(server.url, '/ingest');
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await gate?.close();
    await proxy?.close();
    await server?.stop();
  });

  it.each([
    ...Object.keys(PAGES).map((kind) => [kind, 'from our address', () => gate.url] as const),
    ['posthog-js', "from a path of the site's own", () => proxy.url] as const,
  ])('%s delivers its calls %s, and the last ones of a page that closes', async (kind, way, host) => {
    const site = await clientSite(folder!, kind);
    const page = await openPage(browser, site, host());
    const event = `clicked ${kind} ${way}`;
    await page.evaluate((name) => {
      for (let n = 0; n < 5; n++) window.client.track(name, { n });
      window.client.identify('u1');
      for (let n = 5; n < 10; n++) window.client.track(name, { n });
    }, event);
    // Each client has its own pace; then one more, and the page goes.
    await readStored(server, event, 10);
    await page.evaluate((name) => window.client.track(name, { n: 10 }), event);
    await page.close({ runBeforeUnload: true });
    const stored = await readStored(server, event, 11);
    await site.close();
    // Each by its number; the order of one millisecond is nobody's promise there.
    expect(numbersOf(stored)).toEqual(upTo(11));
    expect(stored.filter(({ userId }) => userId === 'u1').length).toBeGreaterThanOrEqual(5);
    expect(new Set(stored.map(({ anonymousId }) => anonymousId)).size).toBe(1);
    const device = stored[0]!.anonymousId;
    const own = async (name: string): Promise<StoredEvent[]> =>
      (await readStored(server, name, 1)).filter(({ anonymousId }) => anonymousId === device);
    const [view] = await own('page_view');
    expect(view!.context['campaign']).toMatchObject({ source: 'newsletter' });
    expect((await own('identify')).map(({ userId }) => userId)).toEqual(['u1']);
  });

  // Jitsu's never tries again (docs/clients.md).
  it.each(Object.keys(PAGES).filter((kind) => kind !== '@jitsu/js'))('%s keeps what it tracks while we say "not now", and delivers it then', async (kind) => {
    const site = await clientSite(folder!, kind);
    const page = await openPage(browser, site, gate.url);
    const event = `waited ${kind}`;
    await page.evaluate((name) => window.client.track(name, { n: 0 }), event);
    await readStored(server, event, 1);
    gate.requests = 0;
    // As the overloaded collector answers each (F7): what the other says costs PostHog's its events.
    gate.mode = { kind: 'answering', status: kind === 'posthog-js' ? 503 : 429, retryAfter: '1' };
    await page.evaluate((name) => {
      for (let n = 1; n < 6; n++) window.client.track(name, { n });
    }, event);
    await expect.poll(() => gate.requests, { timeout: 20_000 }).toBeGreaterThan(0);
    gate.mode = { kind: 'open' };
    const stored = await readStored(server, event, 6, 60_000);
    await page.close();
    await site.close();
    expect(numbersOf(stored)).toEqual(upTo(6));
  });

  it("Segment's published script works from our own address, as its snippet loads it", async () => {
    const site = await openSite('', {});
    // What their snippet leaves in the page: a queue of calls, and a tag for the script of the write key.
    site.pages['/'] = `<!doctype html><title>Shop</title><script>
      const queue = (window.analytics = [['page', 'Home'], ['track', 'snippet', { n: 0 }]]);
      Object.assign(queue, { _writeKey: '${WRITE_KEY}', _cdn: '${gate.url}' });
      window.client = { track: (...call) => analytics.track(...call), identify: (id) => analytics.identify(id) };
      </script><script async src="${gate.url}/analytics.js/v1/${WRITE_KEY}/analytics.min.js"></script>`;
    const page = await openPage(browser, site, gate.url);
    await readStored(server, 'snippet', 1);
    await page.evaluate(() => {
      window.client.identify('u1');
      window.client.track('snippet', { n: 1 });
      // N7: said by the page, judged at the collector.
      window.client.track('snippet', { n: 2 }, { context: { consent: { categoryPreferences: { analytics: false } } } });
    });
    await readStored(server, 'snippet', 2);
    const stored = await readStored(server, 'snippet', 3, 1_000);
    expect(numbersOf(stored)).toEqual(upTo(2));
    expect(stored.find(({ properties }) => properties.n === 1)!.userId).toBe('u1');
    // A part of it is loaded only where it is wanted: here, to read a mail's link.
    const answered: string[] = [];
    page.on('response', (response) => answered.push(`${response.status()} ${response.url().replace(gate.url, '')}`));
    await page.goto(`${site.url}/?ajs_uid=u9&ajs_event=mail+opened`);
    const [opened] = await readStored(server, 'mail opened', 1);
    expect(answered).toContainEqual(expect.stringMatching(/^200 \/analytics-next\/bundles\/queryString/));
    expect(opened).toMatchObject({ userId: 'u9' });
    await page.close();
    await site.close();
  });
});
