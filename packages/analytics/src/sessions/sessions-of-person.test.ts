import { sessionsOf } from '@tidemark/model';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputEvent } from '../timeline/output.ts';
import { PROPERTY_RUN } from '../testing/histories.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';
import { visits } from '../testing/visits.ts';
import { timelineQuery } from '../timeline/timeline.ts';
import { traceQuery } from '../timeline/trace.ts';

let store: TestStore;
const T0 = Date.UTC(2026, 4, 3, 22);
const GAP_MS = 1_800_000;

beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

async function pages(project: string, id: string, { rowsBeyond, ...request }: { limit: number; order: 'asc' | 'desc'; rowsBeyond: number }): Promise<OutputEvent[]> {
  const seen: OutputEvent[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof timelineQuery>> = await timelineQuery({ id, ...request, ...(cursor !== null && { cursor }) }, { ...store.context(project), rowsBeyond });
    seen.push(...page.events);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return seen;
}

describe('the session of an event', () => {
  it('is on every page of a timeline and in a trace what the model says, whatever the page holds (rules S1 to S4)', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(visits(T0, GAP_MS), fc.integer({ min: 2, max: 20 }), fc.constantFrom('asc' as const, 'desc' as const), fc.constantFrom(0, 5, 1_000), async (unnamed, limit, order, rowsBeyond) => {
        const project = `places${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        await store.add(events);
        const expected = new Map(sessionsOf(events, GAP_MS).flatMap(({ id, startMs, own, joined }) => [...own, ...joined].map(({ eventId }) => [eventId, { id, start: new Date(startMs).toISOString() }])));
        for (const id of ['ann', 'bob', 'd1', 'd3']) {
          for (const { eventId, session } of await pages(project, id, { limit, order, rowsBeyond })) expect(session, `${id} ${eventId}`).toEqual(expected.get(eventId));
        }
        for (const { eventId, userId } of events.filter((each) => each.userId !== '').slice(0, 3)) {
          expect((await traceQuery(eventId, store.context(project)))?.event.session, `${eventId} of ${userId}`).toEqual(expected.get(eventId));
        }
      }),
      { ...PROPERTY_RUN, numRuns: 8 },
    );
  });

  it('began days ago, in an app that never rests', async () => {
    const project = 'restless';
    const each = (i: number): number => T0 + i * GAP_MS;
    await store.add(Array.from({ length: 400 }, (_, i) => storedEvent({ project, eventId: `beat${i}`, anonymousId: 'd', timeMs: each(i) })));
    const { events } = await timelineQuery({ id: 'd', order: 'desc', limit: 1 }, { ...store.context(project), rowsBeyond: 200 });
    expect(events[0]).toMatchObject({ eventId: 'beat399', session: { id: 'beat0', start: new Date(T0).toISOString() } });
  });
});
