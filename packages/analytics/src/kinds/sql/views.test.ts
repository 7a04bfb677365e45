/** The views of SQL (rule Z3) hold what the model says of the same events. `TIDEMARK_VIEW_RUNS=20` tries more histories. */
import type { StoredEvent } from '@tidemark/event';
import { persons, sessionsOf, sessionValue, withOwners } from '@tidemark/model';
import { bucketStart, nextVersion, recompute } from '@tidemark/warehouse';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import type { AskContext } from '../../asking/ask-context.ts';
import { WarehouseIdentities } from '../../identity/identities.ts';
import { rollupDefinitions } from '../../rollups/definitions.ts';
import { asModel } from '../../testing/identity-histories.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';
import { visits } from '../../testing/visits.ts';

const RUNS = Number(process.env['TIDEMARK_VIEW_RUNS'] ?? 1);
const START_MS = Date.UTC(2026, 2, 27, 20);
const GAP_MS = 1_800_000;

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore({ sql: {} });
});
afterAll(() => store.close());

const decisions = fc.subarray([{ verdict: 'merge' as const, a: 'uann', b: 'ubob' }, { verdict: 'cut' as const, a: 'ad1', b: 'uann' }]);
/** Rollups read these of the context. */
const withContext = fc.record({ country: fc.constantFrom('DE', 'FR'), channel: fc.constantFrom('paid', ''), source: fc.constantFrom('web', 'app') });

type Row = unknown[];
type Told = Record<string, string>;
const inOrder = (rows: readonly Row[]): Row[] => rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
const idOf = (node: string): string => node.slice(node.indexOf(' ') + 1);
const timesOf = (events: readonly StoredEvent[]): number[] => events.map(({ timeMs }) => timeMs).toSorted((a, b) => a - b);
function groups<Item>(items: readonly Item[], keyOf: (item: Item) => string): [string, Item[]][] {
  const found = new Map<string, Item[]>();
  for (const item of items) found.set(keyOf(item), [...(found.get(keyOf(item)) ?? []), item]);
  return [...found];
}

it('hold what the model says', async () => {
  let histories = 0;
  await fc.assert(
    fc.asyncProperty(visits(START_MS, GAP_MS), decisions, withContext, async (unnamed, made, { country, channel, source }) => {
      const project = `views${++histories}`;
      const context = { geo: { country }, ...(channel !== '' && { channel }) };
      const rich = storedEvent({ project, source, eventId: 'rich', anonymousId: 'd1', timeMs: START_MS, context });
      const events = [...unnamed.map((event) => ({ ...event, project })), rich];
      await store.add(events);
      const starts = [...new Set(events.map(({ timeMs }) => bucketStart(timeMs)))];
      await recompute(store.warehouse, new Map([[project, starts]]), await nextVersion(store.warehouse), rollupDefinitions([]));

      const who = persons(events, asModel(made));
      const asking: AskContext = { ...store.context(project), identities: new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => made }) };
      const rowsOf = async (query: string): Promise<Row[]> => inOrder(((await ask('sql', { query }, asking)) as unknown as { rows: Row[] }).rows);
      const ms = (column: string): string => `toUnixTimestamp64Milli(${column})`;

      expect(await rowsOf(`SELECT event_id, event_name, type, ${ms('time')}, person_id, user_id, anonymous_id, sequence, bot, page_path, campaign_source, properties FROM events`)).toEqual(
        inOrder(events.map((event) => [event.eventId, event.eventName, event.type, event.timeMs, idOf(who.of(event)), event.userId, event.anonymousId, event.sequence, event.bot, event.pagePath, event.campaignSource, event.properties])),
      );
      const shown = ['entryEvent', 'exitEvent', 'entryPage', 'exitPage', 'source', 'medium', 'campaign', 'channel', 'country', 'deviceType'];
      const columns = shown.map((name) => name.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`));
      expect(await rowsOf(`SELECT session_id, person_id, ${ms('started_at')}, ${ms('ended_at')}, duration_seconds, events, pages, bounced, bot, ${columns.join(', ')} FROM sessions`)).toEqual(
        inOrder(sessionsOf(events, GAP_MS, (event) => who.of(event)).map((session) => {
          const value = (name: string): unknown => sessionValue(session, name) ?? '';
          return [session.id, idOf(session.person), session.startMs, session.lastMs, value('duration'), value('events'), value('pages'), value('bounce'), session.own[0]!.bot, ...shown.map(value)];
        })),
      );
      const known = new Map(withOwners(events, asModel(made)).map((event) => [who.of(event), event.person]));
      const traits = (person: string): object => {
        const all = Object.assign({}, ...(known.get(person) ?? []).map((text) => JSON.parse(text) as object)) as Record<string, unknown>;
        return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
      };
      const devices = [...new Set(events.map(({ anonymousId }) => anonymousId))].filter((id) => id !== '').toSorted();
      const people = (await rowsOf(`SELECT person_id, user_id, anonymous_ids, ${ms('first_seen')}, ${ms('last_seen')}, events, traits FROM people`)).map((row) => [...row.slice(0, -1), JSON.parse(String(row.at(-1)))]);
      expect(inOrder(people)).toEqual(
        inOrder(groups(events, (event) => who.of(event)).map(([person, own]) => {
          const theirs = devices.filter((id) => who.of({ userId: '', anonymousId: id }) === person);
          return [idOf(person), person.startsWith('user ') ? idOf(person) : '', theirs, timesOf(own)[0], timesOf(own).at(-1), own.length, traits(person)];
        })),
      );
      const nodes = [
        ...groups(events.filter(({ userId }) => userId !== ''), ({ userId }) => userId).map(([id, own]) => [id, 'user', idOf(who.of({ userId: id, anonymousId: '' })), timesOf(own)[0]]),
        ...groups(events.filter(({ anonymousId }) => anonymousId !== ''), ({ anonymousId }) => anonymousId).map(([id, own]) => [id, 'device', idOf(who.of({ userId: '', anonymousId: id })), timesOf(own)[0]]),
      ];
      expect(await rowsOf(`SELECT id, kind, person_id, ${ms('first_seen')} FROM identities`)).toEqual(inOrder(nodes));

      const dimensions = (event: StoredEvent): unknown[] => {
        const { geo, device, channel: told, campaign } = JSON.parse(event.context) as { geo?: Told; device?: Told; channel?: string; campaign?: Told };
        const inContext = [geo?.['country'], device?.['type'], told, campaign?.['source'], campaign?.['medium'], campaign?.['name']].map((value) => value ?? '');
        return [bucketStart(event.timeMs), event.eventName, event.source, ...inContext, event.bot];
      };
      expect(await rowsOf(`SELECT ${ms('bucket')}, event_name, source, country, device_type, channel, campaign_source, campaign_medium, campaign_name, bot, events, actors FROM rollups`)).toEqual(
        inOrder(groups(events, (event) => JSON.stringify(dimensions(event))).map(([, own]) => [...dimensions(own[0]!), own.length, new Set(own.map(({ userId, anonymousId }) => (userId === '' ? `a${anonymousId}` : `u${userId}`))).size])),
      );
    }),
    { numRuns: RUNS, endOnFailure: true, ...(process.env['TIDEMARK_SEED'] === undefined ? {} : { seed: Number(process.env['TIDEMARK_SEED']) }) },
  );
}, 180_000 + RUNS * 20_000);
