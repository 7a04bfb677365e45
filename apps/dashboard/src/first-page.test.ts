import { existsSync, readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { contentHashes } from './content-hashes.ts';
import { startMemoryServer, TOKEN } from './testing/server.ts';
import type { MemoryServer } from './testing/server.ts';

const html = readFileSync(new URL('./page/index.html', import.meta.url), 'utf8');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
if (CHROMIUM === undefined)
  console.warn('no Chromium: the first page is not tried in a browser (apt-get install chromium)');

test('the page is one small file whose policy names exactly its own script and style', () => {
  expect(html.trimEnd().split('\n').length).toBeLessThan(300);
  const { script, style } = contentHashes(html);
  expect(html).toContain(`script-src ${script}; style-src ${style}`);
  expect(html).not.toMatch(/innerHTML|https?:\/\/(?!www\.w3\.org)/);
});

describe.skipIf(CHROMIUM === undefined)('in a real browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM as string, args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());

  async function visit(path = `/#token=${TOKEN}`): Promise<{ page: Page; server: MemoryServer; faults: string[] }> {
    const server = await startMemoryServer(html);
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/Failed to load resource|ERR_/.test(message.text()))
        faults.push(message.text());
    });
    onTestFinished(async () => {
      await page.close();
      await server.close();
    });
    await page.goto(server.url + path);
    return { page, server, faults };
  }

  test('waits for the first event, then shows it walk and answers the three questions', async () => {
    const { page, server, faults } = await visit();
    await page.getByText('Waiting for the first event…').waitFor();
    expect(page.url()).not.toContain(TOKEN);
    expect(await page.locator('#curl').textContent()).toMatch(
      /^curl http:\/\/127\.0\.0\.1:\d+\/api\/events -H 'Authorization: Bearer c/,
    );
    await page.getByRole('button', { name: 'Send it from here' }).click();
    await page.getByText('Your first event is in').waitFor();
    await page.locator('#walk li.done').nth(3).waitFor();
    expect(await page.locator('#walk').textContent()).toContain('at offset 0');
    await page.locator('#rows tr').getByText('stored').waitFor();
    await page.getByText('It adds up').waitFor();

    for (const [userId, eventName] of [
      ['ann', 'add_to_cart'],
      ['ann', 'payment'],
      ['bob', 'add_to_cart'],
      ['ann', 'checkout_completed'],
    ] as const) {
      server.events.push({ eventId: `${userId}-${eventName}`, userId, eventName, timestamp: new Date().toISOString() });
    }
    const [users, funnel, timeline] = [0, 1, 2].map((at) => page.locator('#questions section').nth(at));
    await users?.getByLabel('Event').fill('checkout_completed');
    await users?.getByRole('button', { name: 'Ask' }).click();
    await users?.getByText('1', { exact: true }).waitFor();
    await funnel?.getByLabel('First step').fill('add_to_cart');
    await funnel?.getByLabel('Second step').fill('payment');
    await funnel?.getByRole('button', { name: 'Ask' }).click();
    await funnel?.locator('.big', { hasText: '50 %' }).waitFor();
    await timeline?.getByLabel('User').fill('ann');
    await timeline?.getByRole('button', { name: 'Ask' }).click();
    await timeline?.getByText('3 events').waitFor();
    expect(await timeline?.locator('li b').allTextContents()).toEqual(['add_to_cart', 'payment', 'checkout_completed']);
    expect(faults).toEqual([]);
  });

  test('shows the curl event too, and what is wrong with a bad one, as text', async () => {
    const { page, server, faults } = await visit();
    await page.getByText('Waiting for the first event…').waitFor();
    const command = (await page.locator('#curl').textContent()) as string;
    const [, key, body] = /Bearer (\w+)'[^]*-d '(.*)'/.exec(command) as unknown as [string, string, string];
    const post = (text: string) =>
      fetch(`${server.url}/api/events`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: text });
    await post('{"eventId":"<img src=x onerror=alert(1)>"}');
    await page.locator('#walk li.stop').waitFor();
    expect(await page.locator('#walk li.stop').textContent()).toContain('missing_name: Give the event a name.');
    expect(await page.locator('#rows img').count()).toBe(0);
    for (let n = 0; n < 60; n++) await post(`{"eventId":"flood-${n}","eventName":"ping","userId":"bob"}`);
    await page.getByText('61 since you opened this page').waitFor();
    // The flood shows its newest thirty, and doesn't wash the bad one away.
    expect(await page.locator('#rows tr').count()).toBe(31);
    expect(await page.locator('#rows tr.quarantined').count()).toBe(1);
    await post(body);
    await page.locator('#walk li.done').nth(3).waitFor();
    expect(await page.locator('#curl').textContent()).not.toBe(command);
    expect(faults).toEqual([]);
  });

  test('shows jobs with what went wrong, and what is doubtful in the data, as text', async () => {
    const { page, server, faults } = await visit();
    await page.getByText('No event is in quarantine. No id is shared by too many.').waitFor();
    const at = new Date().toISOString();
    const job = { running: false, heldBack: [], lastRun: at, lastDurationMs: 1_234, lastRows: 56_789, lastResult: 'sealed 4', lastError: null, nextRun: at };
    server.jobs = [
      { ...job, name: 'rollups' },
      { ...job, name: 'retention', lastResult: null, lastError: 'It would delete <b>2,000</b> rows.', heldBack: [{}] },
      { ...job, name: 'sessions', lastRun: null, lastDurationMs: null, lastRows: null, lastResult: null, nextRun: null, running: true },
    ];
    server.hubs = [{ userId: '<img src=x onerror=alert(1)>', cause: 'aliases', links: 501 }];
    await fetch(`${server.url}/api/events`, { method: 'POST', headers: { authorization: 'Bearer ctest0000000000000000key' }, body: '{"eventId":"bad"}' });
    await page.getByText('1 of 3 did not succeed.').waitFor();
    const rows = await page.locator('#jobs tr').allTextContents();
    expect(rows[0]).toMatch(/^rollupssealed 4\d\d:\d\d:\d\d1.2 s56,789\d\d:\d\d:\d\d$/);
    expect(rows[1]).toContain('It would delete <b>2,000</b> rows.');
    expect(rows[2]).toBe('sessionsrunning–––');
    await page.locator('#doubts').getByText('<img src=x onerror=alert(1)>').waitFor();
    await page.locator('#doubts').getByText('501 aliases').waitFor();
    await page.locator('#doubts').getByText('missing_name').waitFor();
    page.once('dialog', (dialog) => void dialog.accept());
    await page.locator('#doubts').getByRole('button', { name: 'Try again' }).click();
    await page.getByText('1 were let in.').waitFor();
    expect(server.replays.map(({ code, preview }) => [code, preview])).toEqual([['missing_name', true], ['missing_name', false]]);
    expect(faults).toEqual([]);
  });

  test('asks for a token, says why one is refused, and takes the right one', async () => {
    const { page, faults } = await visit('/');
    await page.getByLabel('API token').fill('wrong');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('The API token is not known.').waitFor();
    await page.getByLabel('API token').fill(TOKEN);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('Waiting for the first event…').waitFor();
    await page.reload();
    await page.getByText('Waiting for the first event…').waitFor();
    expect(faults).toEqual([]);
  });

  test('says so while the engine is away, and comes back by itself', async () => {
    const { page, server, faults } = await visit();
    await page.getByText('Waiting for the first event…').waitFor();
    server.away = true;
    await page.getByText('The engine is starting. Trying again…').waitFor();
    const timeline = page.locator('#questions section').nth(2);
    await timeline.getByLabel('User').fill('ann');
    await timeline.getByRole('button', { name: 'Ask' }).click();
    await timeline.getByRole('button', { name: 'Try again' }).waitFor();
    server.away = false;
    await page.locator('#status', { hasText: 'Live' }).waitFor();
    await page.getByText('Nothing in that time.').waitFor();
    expect(faults).toEqual([]);
  });
});
