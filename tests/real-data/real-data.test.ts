/**
 * Two published clickstreams, sent over HTTP: every kind of question answers what a script over the raw file finds (rows.ts), which
 * shares no line with the product or its model. `TIDEMARK_CLICKSTREAMS=FOLDER` names where `ecom.csv.gz` (retentioneering-tools,
 * Apache-2.0) and `web-analytics.ndjson.gz` (tinybirdco/web-analytics-starter-kit, MIT) lie; without it these are skipped.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project, until, type Json } from '../e2e/project.ts';
import { ServerUnderTest } from '../server-under-test.ts';
import { byWho, count, median, nodesAfter, pageRows, reached, retained, shopRows, visits, week, type Row } from './rows.ts';

const FOLDER = process.env['TIDEMARK_CLICKSTREAMS'];
const unset = FOLDER === undefined ? ' (skipped: set TIDEMARK_CLICKSTREAMS to the folder of the two files)' : '';
const BATCH = 500;

let server: ServerUnderTest;
let shopRead: Row[] = [];
let pagesRead: Row[] = [];
let shop: Project;
let pages: Project;

async function sendAll(project: Project, rows: readonly Row[], eventOf: (row: Row) => Json): Promise<void> {
  for (let from = 0; from < rows.length; from += BATCH) {
    const events = rows.slice(from, from + BATCH).map((row) => ({ eventId: `row-${row.place}`, eventName: row.event, timestamp: row.ms, sequence: row.place, properties: row.fields, ...eventOf(row) }));
    const response = await project.post('/api/events/batch', { events }, { 'x-tidemark-import': '1' });
    expect(await response.json()).toMatchObject({ accepted: events.length, rejected: [] });
  }
}

beforeAll(async () => {
  if (FOLDER === undefined) return;
  [shopRead, pagesRead] = [shopRows(FOLDER), pageRows(FOLDER)];
  server = await ServerUnderTest.start({ env: { TIDEMARK_RATE_LIMIT: 'off' } });
  [shop, pages] = [await Project.first(server), await Project.create(server, 'pages')];
  await sendAll(shop, shopRead, ({ who, fields }) => ({ userId: who, anonymousId: `browser of ${who}`, sessionId: fields['session_id'] }));
  await sendAll(pages, pagesRead, ({ who }) => ({ anonymousId: who }));
  for (const [project, rows] of [[shop, shopRead], [pages, pagesRead]] as const) {
    await until(async () => (await answer(project, 'trend', { ...ALL_TIME, series: [{}] }))['series'][0].total === rows.length, `${rows.length} events`);
  }
});
afterAll(() => server?.stop());

const HALF_YEAR = { from: '2023-12-01', to: '2024-09-01' };
const ALL_TIME = { from: '2020-01-01', to: '2026-01-01', granularity: 'month' };
const answer = (project: Project, kind: string, question: Json): Promise<Json> => project.api(`/api/analytics/${kind}`, { includeBots: true, cache: false, ...question });
const ofShop = (kind: string, question: Json): Promise<Json> => answer(shop, kind, { ...HALF_YEAR, ...question });
const of = (rows: readonly Row[], event: string): Row[] => rows.filter((row) => row.event === event);
const byLabel = (lines: Json[], value: (line: Json) => unknown): Json => Object.fromEntries(lines.map((line) => [line['breakdown'][0], value(line)]));

describe.skipIf(FOLDER === undefined)(`a shop${unset}`, () => {
  it('trend: events and users of each name, by platform, and day by day in Kathmandu', async () => {
    const { series } = await ofShop('trend', { series: [{ measure: 'events' }, { measure: 'users' }], breakdown: ['eventName'], limit: 100, granularity: 'month' });
    const names = count(shopRead, ({ event }) => event);
    expect(byLabel(series.slice(0, series.length / 2), ({ total }) => total)).toEqual(names);
    expect(byLabel(series.slice(series.length / 2), ({ total }) => total)).toEqual(Object.fromEntries(Object.keys(names).map((name) => [name, new Set(of(shopRead, name).map(({ who }) => who)).size])));

    const purchases = of(shopRead, 'purchase');
    const { series: platforms } = await ofShop('trend', { series: [{ event: 'purchase' }], breakdown: ['properties.platform'], granularity: 'month' });
    expect(byLabel(platforms, ({ total }) => total)).toEqual(count(purchases, ({ fields }) => fields['platform']!));
    expect(byLabel(platforms, ({ total }) => total)).toEqual({ desktop: 277, mobile: 126, tablet: 67 });

    const { series: [daily] } = await ofShop('trend', { series: [{ event: 'purchase' }], timezone: 'Asia/Kathmandu' });
    const days = Object.fromEntries(daily.points.filter(({ value }: Json) => value > 0).map(({ time, value }: Json) => [time.slice(0, 10), value]));
    expect(days).toEqual(count(purchases, ({ ms }) => new Date(ms + 345 * 60_000).toISOString().slice(0, 10)));
  });

  it('funnel: how many come so far, and of each platform', async () => {
    for (const [steps, window, windowMs] of [[['product_view', 'add_to_cart', 'purchase'], '1d', 86_400_000], [['search', 'product_view', 'add_to_cart', 'cart', 'shipping_details', 'purchase'], '30m', 1_800_000]] as const) {
      const found = await ofShop('funnel', { steps: steps.map((event) => ({ event })), window });
      expect(found['steps'].map(({ users }: Json) => users)).toEqual(reached(shopRead, steps, windowMs));
    }
    const [start, end] = ['product_view', 'checkout_bug'];
    const found = await ofShop('funnel', { steps: [{ event: start }, { event: end }], window: '1h', where: [{ property: 'properties.platform', op: '=', value: 'mobile' }] });
    expect(found['steps'].map(({ users }: Json) => users)).toEqual(reached(shopRead.filter(({ fields }) => fields['platform'] === 'mobile'), [start, end], 3_600_000));
  });

  it('retention: who buys in the weeks after they first looked', async () => {
    const { cohorts } = await ofShop('retention', { start: { event: 'product_view' }, return: { event: 'purchase' }, period: 'week', periods: 6 });
    const found = Object.fromEntries(cohorts.filter(({ size }: Json) => size > 0).map(({ start, size, retained: back }: Json) => [week(Date.parse(start)), [size, ...back]]));
    expect(found).toEqual(retained(shopRead, 'product_view', 'purchase', 6));
  });

  it('sessions: 3,605 of them, how long, how deep, and by what they begin with', async () => {
    const found = await ofShop('sessions', { breakdown: ['session.entryEvent'], limit: 100, granularity: 'month' });
    const all = visits(shopRead);
    expect(all).toHaveLength(3_605);
    expect(found).toMatchObject({ sessions: all.length, users: 600, medianSeconds: median(all.map((visit) => (visit.at(-1)!.ms - visit[0]!.ms) / 1_000)) });
    expect(found['bounceRate']).toBeCloseTo(all.filter(({ length }) => length === 1).length / all.length, 12);
    expect(byLabel(found['breakdowns'], ({ sessions }) => sessions)).toEqual(count(all, ([first]) => first!.event));
    const { series: [own] } = await ofShop('trend', { series: [{ measure: { unique: 'sessionId' } }], granularity: 'month' });
    expect(own.total).toBe(all.length);
  });

  it('paths: what people do next to their first search', async () => {
    const { nodes, users } = await ofShop('paths', { after: { event: 'search' }, steps: 5, nodeLimit: 100 });
    expect(Object.fromEntries(nodes.map(({ step, node, users: people }: Json) => [`${step} ${node}`, people]))).toEqual(nodesAfter(shopRead, 'search', 5));
    expect(users).toBe(new Set(of(shopRead, 'search').map(({ who }) => who)).size);
  });

  it('attribution: purchases by the channel of those who looked at the home page before', async () => {
    const { breakdowns, conversions, withoutTouch } = await ofShop('attribution', {
      conversion: { event: 'purchase' }, touch: { event: 'home' }, breakdown: ['properties.acquisition_channel'], lookback: '366d', models: ['first_touch', 'last_touch', 'linear'], limit: 100,
    });
    const bought = byWho(shopRead).flatMap((own) => own.flatMap((row, i) => (row.event === 'purchase' ? [own.slice(0, i).some(({ event }) => event === 'home') ? row.fields['acquisition_channel']! : '(not set)'] : [])));
    expect([conversions, withoutTouch]).toEqual([470, bought.filter((channel) => channel === '(not set)').length]);
    // A person has one channel in this file, so that all models agree.
    for (const model of ['first_touch', 'last_touch', 'linear']) expect(byLabel(breakdowns, ({ models }) => models[model].conversions), model).toEqual(count(bought, (channel) => channel));
  });

  it('experiment: who buys after a first look, by the platform of that', async () => {
    const { metrics } = await ofShop('experiment', { exposure: { event: 'product_view' }, variant: 'properties.platform', metrics: [{ event: 'purchase' }] });
    const exposed = byWho(shopRead).flatMap((own) => {
      const first = own.findIndex(({ event }) => event === 'product_view');
      return first < 0 ? [] : [{ variant: own[first]!.fields['platform']!, converted: own.slice(first + 1).some(({ event }) => event === 'purchase') }];
    });
    const [users, converted] = [count(exposed, ({ variant }) => variant), count(exposed.filter((each) => each.converted), ({ variant }) => variant)];
    expect(Object.fromEntries(metrics[0].variants.map((each: Json) => [each['variant'], [each['users'], each['converted']]]))).toEqual(Object.fromEntries(Object.keys(users).map((variant) => [variant, [users[variant], converted[variant]]])));
  });

  it('cohort and people: who bought twice and never asked for help', async () => {
    const all = [{ did: 'purchase', atLeast: 2 }, { didNot: 'support_chat' }];
    const ids = byWho(shopRead).filter((own) => of(own, 'purchase').length >= 2 && of(own, 'support_chat').length === 0).map(([first]) => first!.who).toSorted();
    expect(ids.length).toBeGreaterThan(10);
    expect(await ofShop('cohort', { all })).toMatchObject({ size: ids.length, of: 600 });
    const { people, total } = await shop.api('/api/analytics/cohort/people', { ...HALF_YEAR, all, cell: {}, pageSize: 1_000 });
    expect([total, people.map(({ userId }: Json) => userId)]).toEqual([ids.length, ids]);
  });

  it('sql: the same by a statement', async () => {
    const query = "SELECT JSONExtractString(properties, 'platform') AS platform, count() AS purchases, uniqExact(person_id) AS people FROM events WHERE event_name = 'purchase' GROUP BY platform ORDER BY platform";
    const { rows } = await shop.api('/api/analytics/sql', { query });
    const wanted = Object.entries(count(of(shopRead, 'purchase'), ({ fields }) => fields['platform']!)).toSorted(([a], [b]) => (a < b ? -1 : 1));
    expect(rows).toEqual(wanted.map(([platform, purchases]) => [platform, purchases, new Set(of(shopRead, 'purchase').filter(({ fields }) => fields['platform'] === platform).map(({ who }) => who)).size]));
    const { rows: [[sessions]] } = await shop.api('/api/analytics/sql', { query: 'SELECT count() FROM sessions' });
    expect(sessions).toBe(3_605);
  });
});

describe.skipIf(FOLDER === undefined)(`pages and their speed${unset}`, () => {
  it('trend and sessions: by domain, by action, by visitor', async () => {
    const { series } = await answer(pages, 'trend', { ...ALL_TIME, series: [{}], breakdown: ['properties.domain', 'eventName'], limit: 100 });
    const found = Object.fromEntries(series.map(({ breakdown: [domain, event], total }: Json) => [`${domain} ${event}`, total]));
    // An empty text is a value, and none is unset.
    expect(found).toEqual(count(pagesRead, ({ fields, event }) => `${fields['domain'] ?? '(not set)'} ${event}`));
    const { series: [{ total: visitors }] } = await answer(pages, 'trend', { ...ALL_TIME, series: [{ measure: 'users' }] });
    expect(visitors).toBe(byWho(pagesRead).length);
    const all = visits(pagesRead);
    expect(await answer(pages, 'sessions', ALL_TIME)).toMatchObject({ sessions: all.length, users: visitors });
  });
});
