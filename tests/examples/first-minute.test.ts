/** The first minute: the server is started, an example opened, something clicked, bought or booked, and seen at once. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from '../architecture/sources.ts';
import { launchChromium } from '../clients/browser-clients.ts';
import { CHROMIUM } from '../sdks/chromium.ts';
import { API_TOKEN, ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';

let server: ServerUnderTest;
let browser: Browser | undefined;
const running: ChildProcess[] = [];
beforeAll(async () => {
  server = await ServerUnderTest.start();
  await server.ready();
  if (CHROMIUM) browser = await launchChromium();
});
afterAll(async () => {
  for (const child of running) child.kill('SIGTERM');
  await browser?.close();
  await server?.stop();
});

/** Starts an example as its README says, and gives the address that it prints. */
async function open(program: string): Promise<string> {
  const env = { ...process.env, TIDEMARK_WRITE_KEY: WRITE_KEY, TIDEMARK_URL: server.url, PORT: '0' };
  const child = spawn(process.execPath, [`${ROOT}/${program}`], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return /http:\/\/\S+/.exec(String(line))![0];
}

/** The names of events in the order of their outcomes, as the stream tells them. */
async function watchLive(): Promise<string[]> {
  const response = await fetch(`${server.url}/api/events/live`, { headers: { authorization: `Bearer ${API_TOKEN}` } });
  const seen: string[] = [];
  void (async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream()))
      for (const [, name] of chunk.matchAll(/"eventName":"(\w+)"/g)) seen.push(name!);
  })().catch(() => {});
  return seen;
}

it.skipIf(!CHROMIUM)('shows a click in the example shop live, and then in the timeline of who clicked', async () => {
  const shop = await open('examples/shop/server.mjs');
  const live = await watchLive();
  // Tidemark's own first page, open since before the first event.
  const watching = await browser!.newPage();
  await watching.goto(`${server.url}/#token=${API_TOKEN}`);
  const asked = (name: string): Promise<string> => watching.inputValue(`#questions input[name="${name}"]`);
  await watching.getByText('Waiting for the first event…').waitFor();
  // Questions leave bots out, and a browser without a window calls itself one.
  const userAgent = (await watching.evaluate<string>('navigator.userAgent')).replace('Headless', '');
  const page = await browser!.newPage({ userAgent });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(shop);
  await page.click('a[href="#TEA-01"]');
  await page.click('button[name="TEA-01"]');
  // A click is seen while the page stands there, not only when it closes.
  await expect.poll(() => live).toEqual(expect.arrayContaining(['page_view', 'view_product', 'click', 'add_to_cart']));
  await page.fill('input[name="email"]', 'ada@example.com');
  await page.click('#checkout button');
  await expect.poll(() => page.textContent('#said')).toMatch(/Thank you/);
  expect(await page.textContent('#cart')).toBe('The cart is empty');
  if (process.env['TIDEMARK_SCREENSHOT']) await page.screenshot({ path: process.env['TIDEMARK_SCREENSHOT'] });
  await expect.poll(() => live).toEqual(expect.arrayContaining(['payment_submitted', 'purchase']));
  await server.ask('/api/analytics/trend', { series: [{}], range: 'today', waitFor: new Date().toISOString() });
  const { events } = await server.ask<{ events: { eventName: string; anonymousId?: string }[] }>(
    '/api/users/ada@example.com/timeline?limit=100&order=asc',
  );
  // What was done before anybody was known, what was said on the page, and what only the backend knows: one person's.
  const steps = ['page_view', 'view_product', 'add_to_cart', 'checkout_started', 'identify', 'payment_submitted', 'purchase'];
  expect(events.map(({ eventName }) => eventName).filter((name) => steps.includes(name))).toEqual(steps);
  expect(new Set(events.map(({ anonymousId }) => anonymousId)).size).toBe(1);
  expect(problems).toEqual([]);
  // It asks about what the shop does by now, without being told.
  await expect.poll(() => asked('event'), { timeout: 20_000 }).toBe('purchase');
  // Its answer about names may be kept for a while: then the later of the two is not among them yet.
  await expect.poll(() => asked('b')).toMatch(/^(payment_submitted|purchase)$/);
});

it('books in the example backend, once for each booking, and delivers what waits when it is stopped', async () => {
  const backend = await open('examples/backend/server.mjs');
  const book = (body: object): Promise<Response> =>
    fetch(backend, { method: 'POST', headers: { 'x-user': 'bob' }, body: JSON.stringify(body) });
  expect((await book({ room: '12', nights: 2, cardNumber: '4000' })).status).toBe(201);
  expect((await book({ nights: 0 })).status).toBe(400);
  const child = running.at(-1)!;
  child.kill('SIGTERM');
  await once(child, 'exit');
  await server.ask('/api/analytics/trend', { series: [{}], range: 'today', waitFor: new Date().toISOString() });
  const { events } = await server.ask<{ events: { eventName: string; properties: object }[] }>('/api/users/bob/timeline?limit=10&order=asc');
  expect(events.map(({ eventName, properties }) => [eventName, properties])).toEqual([
    ['room_booked', { room: '12', nights: 2 }],
    ['booking_failed', { reason: 'A booking has a room and nights.' }],
  ]);
});
