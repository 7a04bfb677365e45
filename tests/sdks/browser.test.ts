/**
 * The browser SDK in a real browser against a real collector. The test knows what was tracked; whatever happens to
 * the page, the tab or the network, the warehouse must hold each event once.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { BrowserContext, Frame, LaunchOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceClient } from '@tidemark/sdk-core';
import { ROOT } from '../architecture/sources.ts';
import { installed } from '../clients/installed.ts';
import { ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';
import { CHROMIUM, CHROMIUM_ARGS } from './chromium.ts';
import { openGate } from './gate.ts';
import type { Gate } from './gate.ts';
import { bundleSdk, openSite } from './shop-page.ts';
import type { Site } from './shop-page.ts';
import { numbersOf, readStored, upTo } from './stored.ts';

/** What the page has; the functions given to `evaluate` run there. */
declare const window: { client: DeviceClient };

/** Not among our packages: hosts bring it. */
const WEB_VITALS = CHROMIUM && installed(join(import.meta.dirname, 'web-vitals.json'), 'web-vitals');

/** For a page: all texts that the SDK keeps there. */
const EVERYTHING_STORED = `(async () => {
  const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  const found = Object.keys(localStorage);
  for (const { name } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    found.push(...(await done(database.transaction('events').objectStore('events').getAll())));
    database.close();
  }
  return found;
})()`;

describe.skipIf(!CHROMIUM)('the browser SDK', () => {
  let server: ServerUnderTest;
  let gate: Gate;
  let site: Site;
  let folder: string;
  let context: BrowserContext;
  /** Marks the events of one case. */
  let label = 0;

  const launch = async (more: LaunchOptions = {}): Promise<BrowserContext> =>
    chromium.launchPersistentContext(folder, {
      executablePath: CHROMIUM!,
      ...more,
      args: [...CHROMIUM_ARGS, ...(more.args ?? [])],
    });

  beforeAll(async () => {
    server = await ServerUnderTest.start();
    await server.ready();
    gate = await openGate(server.url);
    site = await openSite(await bundleSdk('index.ts'), { writeKey: WRITE_KEY, host: gate.url, flushIntervalMs: 300 });
  });
  afterAll(async () => {
    await site?.close();
    await gate?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    label++;
    gate.mode = { kind: 'open' };
    await gate.reopen();
    folder = mkdtempSync(join(tmpdir(), 'tidemark-chromium-'));
    context = await launch();
  });
  afterEach(async () => {
    await context.close().catch(() => {});
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    site.headers = {};
  });

  async function open(path = '/'): Promise<Page> {
    const page = await context.newPage();
    await page.goto(site.url + path);
    return page;
  }

  /** Closes a page as somebody does, who waits until it is gone: Playwright answers when it has only begun to go. */
  async function leave(page: Page): Promise<void> {
    await Promise.all([page.waitForEvent('close'), page.close({ runBeforeUnload: true })]);
  }

  /** Tracks `count` events, numbered from `from`. */
  const track = (page: Page | Frame, from: number, count: number): Promise<void> =>
    page.evaluate(
      ([name, first, n]) => {
        for (let i = first; i < first + n; i++) window.client.track(name, { n: i });
      },
      [`case_${label}`, from, count] as const,
    );

  /** What the warehouse holds of this case, in the order of their numbers, once there are `count` of them. */
  const stored = async (count: number): Promise<number[]> =>
    numbersOf(await readStored(server, `case_${label}`, count));

  /** Waits until so many events of the site's pages are in the database: before that they are in memory, and go with the page. */
  const written = (page: Page, count: number): Promise<void> =>
    expect
      .poll(async () => {
        const found = (await page.evaluate(EVERYTHING_STORED)) as unknown[];
        return found.filter((each) => typeof each === 'object').length;
      })
      .toBe(count);

  it('delivers what a page tracks, without a preflight', async () => {
    const page = await open();
    const methods: string[] = [];
    page.on('request', (request) => request.url().startsWith(gate.url) && methods.push(request.method()));
    gate.zipped = 0;
    await track(page, 0, 50);
    expect(await stored(50)).toEqual(upTo(50));
    expect(new Set(methods)).toEqual(new Set(['POST']));
    expect(gate.zipped).toBeGreaterThan(0);
  });

  it("sends to a path of the site's own", async () => {
    const own = await openGate(server.url, '/t');
    await context.addInitScript(`window.more = { host: '${own.url.replace('/t', '')}', path: '/t/api/events/batch' }`);
    const page = await open();
    await track(page, 0, 10);
    expect(await stored(10)).toEqual(upTo(10));
    expect(own.requests).toBeGreaterThan(0);
    await own.close();
  });

  it('sends and stores nothing where the browser says Global Privacy Control, until somebody grants', async () => {
    await context.addInitScript("Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })");
    const page = await open();
    gate.requests = 0;
    await track(page, 0, 30);
    await page.evaluate(() => window.client.flush());
    await leave(page);
    const next = await open();
    expect(await next.evaluate(() => window.client.consentStatus)).toBe('denied');
    expect(await next.evaluate(EVERYTHING_STORED)).toEqual([]);
    expect(gate.requests).toBe(0);
    await next.evaluate(() => window.client.consent('granted'));
    await track(next, 30, 5);
    expect(await stored(5)).toEqual(upTo(35).slice(30));
  });

  it('reads and writes each text that it keeps once in a turn of the page, however many events it captures', async () => {
    const page = await open();
    await track(page, 0, 1);
    const used = (await page.evaluate(`(async () => {
      const used = {};
      for (const method of ['getItem', 'setItem', 'removeItem']) {
        const own = Storage.prototype[method];
        Storage.prototype[method] = function (key, ...rest) {
          const name = method + ' ' + key.split('.').pop();
          used[name] = (used[name] ?? 0) + 1;
          return own.call(this, key, ...rest);
        };
      }
      for (let n = 1; n < 20; n++) client.track('case_${label}', { n });
      await null;
      return used;
    })()`)) as Record<string, number>;
    const keys = ['anonymousId', 'dropped', 'groupId', 'sequence', 'session', 'userId'];
    const once = [...keys.map((key) => `getItem ${key}`), 'setItem sequence', 'setItem session'];
    expect(used).toEqual(Object.fromEntries(once.map((name) => [name, 1])));
    expect(await stored(20)).toEqual(upTo(20));
  });

  it('delivers the last events of a page that is closed in the middle of a batch', async () => {
    const page = await open();
    gate.mode = { kind: 'slow', ms: 400 };
    await track(page, 0, 25);
    await page.waitForTimeout(50);
    await track(page, 25, 5);
    await leave(page);
    expect(await stored(30)).toEqual(upTo(30));
  });

  it('keeps what a killed tab had queued, for the next one', async () => {
    const page = await open();
    await gate.shut();
    await track(page, 0, 40);
    await written(page, 40);
    const crashed = page.waitForEvent('crash');
    void page.goto('chrome://crash').catch(() => {});
    await crashed;
    await gate.reopen();
    await open();
    expect(await stored(40)).toEqual(upTo(40));
  });

  it('keeps what was queued when the whole browser is killed', async () => {
    const page = await open();
    await gate.shut();
    await track(page, 0, 40);
    await written(page, 40);
    const session = await context.browser()?.newBrowserCDPSession();
    const pid = (
      await (session ?? (await context.newCDPSession(page))).send('SystemInfo.getProcessInfo')
    ).processInfo.find(({ type }) => type === 'browser')!.id;
    process.kill(pid, 'SIGKILL');
    await new Promise((end) => context.once('close', end));
    await gate.reopen();
    context = await launch();
    await open();
    expect(await stored(40)).toEqual(upTo(40));
  });

  it('has two tabs share a device: one session, numbers without a gap, one that sends, and the living adopts what the dead left', async () => {
    const [one, two] = [await open(), await open()];
    await gate.shut();
    for (let i = 0; i < 10; i++) {
      await track(one, i * 4, 2);
      await track(two, i * 4 + 2, 2);
    }
    await written(two, 40);
    await one.close();
    await gate.reopen();
    gate.mode = { kind: 'slow', ms: 200 };
    gate.mostAtOnce = 0;
    const three = await open();
    for (let i = 0; i < 5; i++) await Promise.all([track(two, 40 + i * 8, 4), track(three, 44 + i * 8, 4)]);
    const found = await readStored(server, `case_${label}`, 80);
    expect(numbersOf(found)).toEqual(upTo(80));
    const ids = await Promise.all([two, three].map((page) => page.evaluate(() => window.client.anonymousId)));
    expect(new Set([...ids, ...found.map(({ anonymousId }) => anonymousId)]).size).toBe(1);
    expect(new Set(found.map(({ sessionId }) => sessionId)).size).toBe(1);
    // What one process of the browser stores another sees later: tabs may give a number twice (E4), and leave none out.
    const numbers = new Set(found.map(({ sequence }) => sequence!));
    expect(Math.max(...numbers)).toBe(numbers.size);
    expect(gate.mostAtOnce).toBe(1);
  });

  it('has what two tabs held for consent be of one device once it is granted in one', async () => {
    await context.addInitScript(() => Object.assign(window, { more: { consent: 'unknown' } }));
    const [one, two] = [await open(), await open()];
    await track(one, 0, 5);
    await track(two, 5, 5);
    const own = await Promise.all([one, two].map((page) => page.evaluate(() => window.client.anonymousId)));
    expect(new Set(own).size).toBe(2);
    await two.evaluate(() => window.client.consent('granted'));
    await one.waitForFunction(() => window.client.consentStatus === 'granted');
    await track(one, 10, 5);
    const found = await readStored(server, `case_${label}`, 15);
    expect(numbersOf(found)).toEqual(upTo(15));
    expect(new Set(found.map(({ anonymousId }) => anonymousId))).toEqual(new Set([own[1]]));
  });

  it.each([
    ['by BroadcastChannel', ''],
    ['by storage where there is none', 'delete globalThis.BroadcastChannel'],
  ])('has a denial in one tab reach the others, %s, and delete what a killed one left', async (_, without) => {
    await context.addInitScript(without);
    const [killed, other, denying] = [await open(), await open(), await open()];
    await gate.shut();
    for (const [i, page] of [killed, other, denying].entries()) await track(page, i * 10, 10);
    await written(killed, 30);
    const crashed = killed.waitForEvent('crash');
    void killed.goto('chrome://crash').catch(() => {});
    await crashed;
    await denying.evaluate(() => window.client.consent('denied'));
    await other.waitForFunction(() => window.client.consentStatus === 'denied');
    await track(other, 30, 10);
    await expect.poll(() => other.evaluate(EVERYTHING_STORED)).toEqual([]);
    await gate.reopen();
    await denying.evaluate(() => window.client.consent('granted'));
    await other.waitForFunction(() => window.client.consentStatus === 'granted');
    await track(other, 40, 5);
    await track(await open(), 45, 5);
    expect(await stored(10)).toEqual(upTo(50).slice(40));
  });

  it('waits while the network is off', async () => {
    const page = await open();
    await gate.shut();
    const triedTwice = page.waitForEvent('requestfailed').then(() => page.waitForEvent('requestfailed'));
    await track(page, 0, 30);
    await triedTwice;
    await gate.reopen();
    expect(await stored(30)).toEqual(upTo(30));
  });

  it('tries nothing while the browser says that it is offline, and sends at once when it says online', async () => {
    const page = await open();
    await context.setOffline(true);
    const tried: string[] = [];
    page.on('request', (request) => tried.push(request.url()));
    await track(page, 0, 30);
    expect(await page.evaluate(() => window.client.flush())).toBe(false);
    await written(page, 30);
    expect(tried).toEqual([]);
    await context.setOffline(false);
    expect(await stored(30)).toEqual(upTo(30));
  });

  it('has a server that never answers hold up neither the page nor the next one', async () => {
    const page = await open();
    gate.mode = { kind: 'hanging' };
    const asked = page.waitForRequest((request) => request.url().startsWith(gate.url));
    await track(page, 0, 10);
    await asked;
    await track(page, 10, 10);
    await leave(page);
    gate.mode = { kind: 'open' };
    await open();
    expect(await stored(20)).toEqual(upTo(20));
  });

  it('says of each event where the page is at that moment, whatever a hook made of the last', async () => {
    await context.addInitScript(() =>
      Object.assign(window, {
        more: {
          beforeSend: (event: { context: { page: { path: string; title: string }; screen: { width: number } } }) => {
            event.context.page.path += '#seen';
            event.context.screen.width = 1;
            return event;
          },
        },
      }),
    );
    const page = await open('/first?x=1');
    await page.evaluate(`{
      const track = (n) => client.track('case_${label}', { n });
      track(0);
      track(1);
      history.pushState({}, '', '/second');
      track(2);
      document.title = 'Basket';
      track(3);
    }`);
    const found = await readStored(server, `case_${label}`, 4);
    found.sort((a, b) => a.properties.n - b.properties.n);
    expect(found.map(({ context: { page: at } }) => at)).toMatchObject([
      { url: `${site.url}/first?x=1`, path: '/first#seen', search: '?x=1', title: 'Shop' },
      { url: `${site.url}/first?x=1`, path: '/first#seen', search: '?x=1', title: 'Shop' },
      { url: `${site.url}/second`, path: '/second#seen', search: '', title: 'Shop' },
      { url: `${site.url}/second`, path: '/second#seen', search: '', title: 'Basket' },
    ]);
  });

  it('sends from a page that may store nothing', async () => {
    const page = await open('/frame');
    const frame = page.frames().find((each) => each.url().endsWith('/inside'))!;
    await frame.waitForFunction(() => 'client' in window);
    await track(frame, 0, 30);
    expect(await stored(30)).toEqual(upTo(30));
  });

  it('works under a strict content security policy that names the collector', async () => {
    site.headers = { 'content-security-policy': `default-src 'none'; script-src 'self'; connect-src ${gate.url}` };
    const page = await open();
    await track(page, 0, 30);
    await leave(page);
    expect(await stored(30)).toEqual(upTo(30));
  });

  it('keeps what a content security policy forbids to send, until a page may', async () => {
    site.headers = { 'content-security-policy': "connect-src 'none'" };
    const page = await open();
    const errors: Error[] = [];
    page.on('pageerror', (error) => errors.push(error));
    const refused = page.waitForEvent('console', (message) => message.text().includes('Content Security Policy'));
    await track(page, 0, 30);
    await Promise.all([refused, written(page, 30)]);
    await leave(page);
    site.headers = {};
    await open();
    expect(await stored(30)).toEqual(upTo(30));
    expect(errors).toEqual([]);
  });

  it('sends from a frame of another site whose cookies and storage are blocked', async () => {
    await context.close();
    context = await launch({ args: ['--test-third-party-cookie-phaseout', '--block-third-party-cookies'] });
    site.pages['/embedding'] =
      `<!doctype html><iframe src="${site.url.replace('127.0.0.1', 'localhost')}/embedded"></iframe>`;
    const page = await open('/embedding');
    const frame = page.frames().find((each) => each.url().endsWith('/embedded'))!;
    await frame.waitForFunction(() => 'client' in window);
    await track(frame, 0, 30);
    expect(await stored(30)).toEqual(upTo(30));
  });

  it('bears storage that is full, or forbidden and holding what is not ours', async () => {
    const full = await open();
    const session = await context.newCDPSession(full);
    await session.send('Storage.overrideQuotaForOrigin', { origin: site.url, quotaSize: 1 });
    await full.evaluate(`for (let length = 4e6; length >= 1; length = Math.floor(length / 2))
      try { for (;;) localStorage.setItem('filling' + Math.random(), 'x'.repeat(length)) } catch {}`);
    await track(full, 0, 10);
    await full.evaluate(`localStorage.clear()`);
    await session.send('Storage.overrideQuotaForOrigin', { origin: site.url });
    await leave(full);
    await context.addInitScript(
      `Object.defineProperty(window, 'indexedDB', { get() { throw new Error('forbidden') } })`,
    );
    const forbidden = await open();
    await gate.shut();
    const prefix = `tidemark.${WRITE_KEY.slice(-6)}.`;
    await forbidden.evaluate(
      `for (const value of ['{"eventId":', 'null', '7', '{"eventId":7}', '{}']) localStorage.setItem('${prefix}queue.' + Math.random(), value);
      for (const key of ['consent', 'session', 'sequence', 'dropped']) localStorage.setItem('${prefix}' + key, '{"broken');`,
    );
    await track(forbidden, 10, 10);
    await forbidden.reload();
    await gate.reopen();
    expect(await stored(20)).toEqual(upTo(20));
    await forbidden.waitForFunction(`!Object.keys(localStorage).some((key) => key.startsWith('${prefix}queue.'))`);
  });

  it('never throws into a page that forgot its options', async () => {
    const page = await open();
    const done =
      await page.evaluate(`[undefined, {}, { writeKey: 7 }, { writeKey: 'k', maxQueueEvents: undefined }].map((options) => {
      const client = Sdk.createTidemark(options);
      client.consent('granted');
      for (let n = 0; n < 3; n++) client.track('forgotten');
      return client.waiting.events;
    })`);
    expect(done).toEqual([0, 0, 0, 3]);
  });

  describe('in the back/forward cache', () => {
    /** A browser that never was anywhere, with its cache: Playwright turns it off by itself. */
    const launchAnew = async (): Promise<void> => {
      await context.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      await gate.reopen();
      context = await launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
      await context.addInitScript(
        "addEventListener('pagehide', () => delete window.kept); addEventListener('pageshow', ({ persisted }) => (window.kept = persisted))",
      );
    };
    /**
     * A page that was left for another one by `leave`, come back: the same one, not one that was loaded anew. A browser may
     * let go of what it keeps, as Chromium does where a busy machine puts a page away too slowly: then all of it again.
     */
    async function keptPage(leave: () => Promise<Page>): Promise<Page> {
      let why = '';
      for (let tries = 0; tries < 8; tries++) {
        label++;
        await launchAnew();
        const page = await leave();
        await page.goBack({ waitUntil: 'commit' });
        await page.waitForFunction(() => 'kept' in window);
        if (await page.evaluate(`kept`)) return page;
        why = await page.evaluate(`JSON.stringify(performance.getEntriesByType('navigation')[0].notRestoredReasons)`);
      }
      throw new Error(`Chromium let go of each of eight pages: ${why}`);
    }

    it('stays, while the next page sends what it left, and goes on when it comes back', async () => {
      const page = await keptPage(async () => {
        const left = await open();
        await gate.shut();
        await track(left, 0, 10);
        await written(left, 10);
        await left.goto(`${site.url}/next`);
        await gate.reopen();
        await track(left, 10, 10);
        expect(await stored(20)).toEqual(upTo(20));
        return left;
      });
      await track(page, 20, 10);
      expect(await stored(30)).toEqual(upTo(30));
      await written(page, 0);
    });

    it.each([
      ['a grant that is kept', true, upTo(25).slice(20)],
      // As for a page that is loaded then: nothing tells it of the denial, and it may begin again.
      ['a grant by default', false, upTo(25).slice(10)],
    ])('sends nothing that was denied while it was there, with %s', async (_, chosen, sent) => {
      const page = await keptPage(() => leaveDenied(chosen));
      await page.waitForFunction(() => window.client.waiting.events === 0);
      expect(await page.evaluate(() => window.client.consentStatus)).toBe(chosen ? 'denied' : 'granted');
      await gate.reopen();
      await track(page, 10, 10);
      await page.evaluate(() => window.client.consent('granted'));
      await track(page, 20, 5);
      expect(await stored(sent.length)).toEqual(sent);
    });

    /** Leaves a page with ten events for one where somebody denies, which the first one is not told. */
    async function leaveDenied(chosen: boolean): Promise<Page> {
      // Chromium ends a cached page for the one and keeps the other for it; a browser need do neither.
      await context.addInitScript(
        "delete globalThis.BroadcastChannel; addEventListener('storage', (event) => event.stopImmediatePropagation())",
      );
      // A deletion that has not even begun when its page is left.
      await context.addInitScript("if (location.pathname === '/next') indexedDB.open = () => ({})");
      const page = await open();
      if (chosen) await page.evaluate(() => window.client.consent('granted'));
      await gate.shut();
      await track(page, 0, 10);
      await written(page, 10);
      await page.goto(`${site.url}/next`);
      await page.evaluate(() => window.client.consent('denied'));
      return page;
    }
  });

  it('bears a server that refuses and asks to wait', async () => {
    const page = await open();
    const answered = (status: number) => page.waitForResponse((response) => response.status() === status);
    gate.mode = { kind: 'answering', status: 503, retryAfter: '1' };
    const busy = answered(503);
    await track(page, 0, 10);
    await busy;
    gate.mode = { kind: 'answering', status: 429 };
    const limited = answered(429);
    await track(page, 10, 10);
    await limited;
    gate.mode = { kind: 'open' };
    expect(await stored(20)).toEqual(upTo(20));
  });

  it.skipIf(!WEB_VITALS)('captures web vitals by the library that the page hands in', async () => {
    site.pages['/vitals'] =
      `<!doctype html><title>Vitals</title><h1>Vitals</h1><button id="go" onclick="for (const began = Date.now(); Date.now() - began < 80; ); this.textContent = 'Done'">Go</button>
      <script src="/sdk.js"></script><script src="/start.js"></script>
      <script>new PerformanceObserver((list) => (window.interacted ||= list.getEntries().some(({ name, interactionId }) => name === 'click' && interactionId))).observe({ type: 'event', durationThreshold: 16 })</script>
      <script>${readFileSync(join(WEB_VITALS!, 'node_modules/web-vitals/dist/web-vitals.iife.js'), 'utf8')}</script>
      <script>${await bundleSdk('web-vitals.ts', 'Vitals')};Vitals.captureWebVitals(client, webVitals)</script>`;
    const page = await open('/vitals');
    await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
    await page.click('#go');
    // What an interaction took is known once what it changed is painted: a page that is left before has none.
    await page.waitForFunction(() => (window as { interacted?: boolean }).interacted);
    // web-vitals looks at it when the page is idle, or after a second, and forgets what it has not looked at (6.2).
    await page.evaluate('new Promise((done) => requestIdleCallback(done, { timeout: 1_000 }))');
    await leave(page);
    const found = (await readStored(server, 'web_vital', 5)).map(
      ({ properties }) => properties as Record<string, unknown>,
    );
    expect(new Set(found.map(({ metric }) => metric))).toEqual(new Set(['CLS', 'FCP', 'INP', 'LCP', 'TTFB']));
    expect(found.find(({ metric }) => metric === 'INP')!['value']).toBeGreaterThanOrEqual(80);
    for (const each of found)
      expect(each).toEqual({
        metric: expect.any(String),
        value: expect.any(Number),
        rating: expect.any(String),
        navigationType: 'navigate',
      });
  });

  it('captures by a script tag what people do, and nothing that they type', async () => {
    // As its page says, to be copied.
    const [snippet] = readFileSync(join(ROOT, 'sdks/browser/README.md'), 'utf8').match(/<script>window[^]*?<script async[^]*?<\/script>/)!;
    site.pages['/shop'] = `<!doctype html><title>Shop</title>
      ${snippet.replace('https://events.example.com', gate.url).replace('WRITE_KEY', WRITE_KEY)}
      <script>tidemark.push(null,7,['nothing'],['__proto__'],['identify','u-${label}'],['track','case_${label}',{n:0}])</script>
      <form id="login" action="/login?next=secret" onsubmit="return false"><input name="id" value="typed-secret"><button id="go">Log in as typed-secret</button></form>
      <a id="out" href="https://partner.example/path?token=secret" onclick="event.preventDefault()">Partner</a>
      <button data-tidemark-ignore id="hidden">no</button>
      <div data-tidemark-impression="banner">seen</div>
      <div style="height:3000px"></div>`;
    const page = await open('/shop?q=coffee');
    await page.waitForFunction(() => 'anonymousId' in ((window as unknown as { tidemark: object }).tidemark ?? {}));
    await page.click('#go');
    await page.click('#out');
    await page.click('#hidden');
    const captured = (name: string): Promise<void> =>
      expect
        .poll(() => page.evaluate('tidemark.flush()').then(() => readStored(server, name, 1, 0)), { interval: 200 })
        .not.toEqual([]);
    await captured('impression');
    await page.evaluate(
      `scrollTo(0, document.documentElement.scrollHeight); history.pushState({}, '', '/shop/2?x=1'); history.pushState({}, '', '/shop/2?x=2');`,
    );
    await captured('scroll_depth');
    await page.evaluate(`tidemark.push(null, ['track', 'case_${label}', { n: 1 }])`);
    await leave(page);
    expect(await stored(2)).toEqual([0, 1]);
    // Rows are there before the claims that tell whose they are: a whole range is in when it is said to be.
    await server.ask('/api/analytics/trend', { series: [{}], range: 'today', waitFor: new Date().toISOString() });
    const { events } = await server.ask<{
      events: { eventName: string; properties: Record<string, unknown>; context: Record<string, unknown> }[];
    }>(`/api/users/u-${label}/timeline?limit=100&order=asc`);
    const seen: Record<string, unknown>[] = events.map(({ eventName, properties }) => ({ eventName, ...properties }));
    expect(seen.filter((each) => each['eventName'] === 'page_view')).toHaveLength(2);
    expect(seen).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ eventName: 'search', query: 'coffee' }),
        expect.objectContaining({ eventName: 'click', element: 'button', id: 'go' }),
        expect.objectContaining({ eventName: 'form_submitted', id: 'login', action: `${site.url}/login` }),
        expect.objectContaining({ eventName: 'click', element: 'a', href: 'https://partner.example/path' }),
        expect.objectContaining({ eventName: 'outbound_link_clicked', host: 'partner.example' }),
        expect.objectContaining({ eventName: 'impression', impression: 'banner' }),
        expect.objectContaining({ eventName: 'scroll_depth', percent: 100 }),
      ]),
    );
    expect(seen.some((each) => each['id'] === 'hidden')).toBe(false);
    expect(JSON.stringify(events.map(({ properties }) => properties))).not.toContain('secret');
  });
});
