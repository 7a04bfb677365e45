import type { Warehouse } from '@tidemark/warehouse';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LongTimelines, longTimelinesOf } from './long-timelines.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';
import { timelineQuery } from './timeline.ts';

let store: TestStore;
const T0 = Date.UTC(2026, 4, 3, 10);
const GAP_MS = 1_800_000;

beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

/** One event a second. */
async function addVisit(project: string, anonymousId: string, events: number): Promise<void> {
  await store.add(Array.from({ length: events }, (_, i) => storedEvent({ project, eventId: `${anonymousId}-${i}`, anonymousId, timeMs: T0 + 1_000 * i })));
}

it('knows ids with many events of each project, and reads them again when they are old and something was written', async () => {
  await addVisit('p1', 'busy', 1_600);
  await addVisit('p1', 'idle', 300);
  let nowMs = 0;
  const long = new LongTimelines(store.warehouse, { monotonicMs: () => nowMs });
  expect(long.rowsOf(['busy'], 'p1'), 'nothing is known yet').toBe(0);
  await expect.poll(() => long.rowsOf(['idle', 'busy'], 'p1')).toBeGreaterThan(1_600 - 512);
  expect(long.rowsOf(['busy'], 'p1')).toBeLessThan(1_600 + 512);
  expect(long.rowsOf(['idle'], 'p1')).toBe(0);
  await long.read('p2');
  expect(long.rowsOf(['busy'], 'p2')).toBe(0);
  await addVisit('p2', 'busy', 1_600);
  expect(long.rowsOf(['busy'], 'p2'), 'it is young').toBe(0);
  nowMs = 3_600_000;
  await expect.poll(() => long.rowsOf(['busy'], 'p2')).toBeGreaterThan(0);
});

it('a page of a known one has its sessions from the keys read beside it', async () => {
  await addVisit('told', 'd', 1_600);
  const statements: string[] = [];
  const warehouse = withBinary((sql, read) => {
    statements.push(sql);
    return read();
  });
  await longTimelinesOf(warehouse).read('told');
  const { events } = await timelineQuery({ id: 'd', order: 'desc', limit: 3 }, { ...store.context('told'), warehouse });
  expect(events.map(({ eventId, session }) => [eventId, session])).toEqual([1_599, 1_598, 1_597].map((i) => [`d-${i}`, { id: 'd-0', start: new Date(T0).toISOString() }]));
  const ofRows = statements.filter((sql) => sql.includes('FROM timeline PREWHERE'));
  expect(ofRows).toHaveLength(2);
  expect(ofRows.filter((sql) => sql.includes('packed'))).toHaveLength(1);
});

it('a page of one that is not known is read with all rows, in order over several parts, and once more where they are too many', async () => {
  for (const at of [2, 0, 1]) {
    await store.add(Array.from({ length: 200 }, (_, i) => storedEvent({ project: 'parts', eventId: `e${3 * i + at}`, anonymousId: 'd', timeMs: T0 + 1_000 * Math.floor((3 * i + at) / 2), sequence: (3 * i + at) % 2 })));
  }
  await addVisit('many', 'd', 1_600);
  for (const [project, count, reads] of [['parts', 600, 1], ['many', 1_600, 3]] as const) {
    for (const order of ['desc', 'asc'] as const) {
      let statements = 0;
      const warehouse = withBinary((sql, read) => {
        if (sql.includes('FROM timeline PREWHERE')) statements++;
        return read();
      });
      const { events, nextCursor } = await timelineQuery({ id: 'd', order, limit: 3 }, { ...store.context(project), warehouse });
      const first = project === 'parts' ? 'e' : 'd-';
      const expected = order === 'asc' ? [0, 1, 2] : [1, 2, 3].map((back) => count - back);
      expect(events.map(({ eventId, session }) => [eventId, session?.id]), `${project} ${order}`).toEqual(expected.map((i) => [`${first}${i}`, `${first}0`]));
      expect(nextCursor).not.toBeNull();
      // Sessions of the first events need no keys.
      expect(statements, `${project} ${order}`).toBe(reads - (reads > 1 && order === 'asc' ? 1 : 0));
    }
  }
});

it('an event that comes between the keys and the page has a session of its own where it begins one', async () => {
  await addVisit('late', 'd', 1_600);
  const later = storedEvent({ project: 'late', eventId: 'back', anonymousId: 'd', timeMs: T0 + 1_599_000 + GAP_MS + 1 });
  let keysAreRead = (): void => {};
  const keysRead = new Promise<void>((resolve) => (keysAreRead = resolve));
  const warehouse = withBinary(async (sql, read) => {
    if (!sql.includes('FROM timeline PREWHERE')) return read();
    if (!sql.includes('packed')) return read().finally(keysAreRead);
    await keysRead;
    await store.add([later]);
    return read();
  });
  await longTimelinesOf(warehouse).read('late');
  const { events } = await timelineQuery({ id: 'd', order: 'desc', limit: 2 }, { ...store.context('late'), warehouse });
  expect(events.map(({ eventId, session }) => [eventId, session?.id])).toEqual([['back', 'back'], ['d-1599', 'd-0']]);
});

/** The store's warehouse, but for how it reads RowBinary. */
function withBinary(binary: (sql: string, read: () => ReturnType<Warehouse['binary']>) => ReturnType<Warehouse['binary']>): Warehouse {
  const { warehouse } = store;
  return {
    query: (sql, bounds) => warehouse.query(sql, bounds),
    binary: (sql, aim) => binary(sql, () => warehouse.binary(sql, aim)),
    stream: (sql, format) => warehouse.stream(sql, format),
    command: (sql, bounds) => warehouse.command(sql, bounds),
    writes: (table) => warehouse.writes(table),
    close: async () => {},
  };
}
