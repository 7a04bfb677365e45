/** Other vendors' browser clients, each on a page of its own that starts it with nothing but our address and key. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import { WRITE_KEY } from '../server-under-test.ts';
import { CHROMIUM, CHROMIUM_ARGS } from '../sdks/chromium.ts';
import { openSite } from '../sdks/shop-page.ts';
import type { Site } from '../sdks/shop-page.ts';

export const launchChromium = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM!, args: CHROMIUM_ARGS });

/** What each page offers; functions given to `evaluate` run there. */
export interface PageClient {
  identify(userId: string): unknown;
  track(event: string, properties: object, options?: object): unknown;
}

/** How a page starts each client with nothing but our address and key. */
export const PAGES: Record<string, string> = {
  '@segment/analytics-next': `
    import { AnalyticsBrowser } from '@segment/analytics-next';
    const analytics = AnalyticsBrowser.load({ writeKey: KEY, cdnURL: HOST });
    analytics.page('Home');
    window.client = { identify: (id) => analytics.identify(id), track: (event, properties) => analytics.track(event, properties) };`,
  '@rudderstack/analytics-js': `
    import { RudderAnalytics } from '@rudderstack/analytics-js/bundled';
    const analytics = new RudderAnalytics();
    analytics.load(KEY, HOST, { configUrl: HOST, queueOptions: { batch: { enabled: false } } });
    analytics.page('Home');
    window.client = { identify: (id) => analytics.identify(id), track: (event, properties) => analytics.track(event, properties) };`,
  'posthog-js': `
    import posthog from 'posthog-js/dist/module.full.no-external.js';
    posthog.init(KEY, { api_host: HOST, autocapture: false, capture_pageview: true, disable_session_recording: true, opt_out_useragent_filter: true });
    window.client = { identify: (id) => posthog.identify(id), track: (event, properties) => posthog.capture(event, properties) };`,
  '@jitsu/js': `
    import { jitsuAnalytics } from '@jitsu/js';
    const analytics = jitsuAnalytics({ host: HOST, writeKey: KEY + ':secret' });
    analytics.page();
    window.client = { identify: (id) => analytics.identify(id), track: (event, properties) => analytics.track(event, properties) };`,
};

/** A site whose pages run that client against the host that `openPage` names; `folder` is that of `installedClients`. */
export async function clientSite(folder: string, kind: string): Promise<Site> {
  return openSite(await bundle(folder, kind), {});
}

/** A page in a profile of its own, once its client is there. */
export async function openPage(browser: Browser, site: Site, host: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${site.url}/?utm_source=newsletter&host=${encodeURIComponent(host)}`);
  await page.waitForFunction(() => 'client' in globalThis);
  return page;
}

async function bundle(folder: string, kind: string): Promise<string> {
  const entry = join(folder, `${kind.replace(/\W/g, '-')}.${process.pid}.entry.js`);
  const known = `const KEY = ${JSON.stringify(WRITE_KEY)};\nconst HOST = new URL(location.href).searchParams.get('host');`;
  writeFileSync(entry, `${known}\n${PAGES[kind]}`);
  const build = await rolldown({
    input: entry,
    cwd: folder,
    platform: 'browser',
    logLevel: 'silent',
    resolve: { conditionNames: ['tidemark-source', 'browser', 'import', 'default'] },
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  });
  const { output } = await build.generate({ format: 'iife', codeSplitting: false });
  await build.close();
  rmSync(entry);
  return output[0].code;
}
