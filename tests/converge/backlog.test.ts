/** Two hours offline, then a backlog: the buckets of those hours become right, no other one moves, and `meta` says so before and after. */
import { System, type Request } from '@tidemark/model';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Machine } from './machine.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const TEN_MS = Date.UTC(2026, 4, 3, 10);
const CLOCK = { wrongMs: 3 * HOUR_MS + 11_000 };

let machine: Machine;
beforeAll(async () => {
  machine = await Machine.open();
});
afterAll(() => machine.close());

interface Hours {
  series: { points: { value: number }[] }[];
  meta: { asOf: string; completeThrough: string; provisionalFrom: string | null };
}

const at = (ms: number): string => new Date(ms).toISOString();

it('T4, Q6: two hours offline with a wrong clock, then the backlog', async () => {
  const system = new System();
  const receive = async (request: Omit<Request, 'project' | 'source'>): Promise<void> => {
    const sent = { ...request, project: 'shop', source: 'web' };
    machine.clockMs = request.receivedAtMs;
    system.receive(sent);
    await machine.send(sent);
  };
  const online = (minute: number): Promise<void> => {
    const timeMs = TEN_MS + minute * MINUTE_MS;
    const events = [0, 1, 2].map((user) => ({ eventId: `on-${minute}-${user}`, eventName: 'click', userId: `u${user}`, timestamp: timeMs }));
    return receive({ receivedAtMs: timeMs + 400, sentAt: timeMs + 100, events });
  };
  const hours = async (fromHour: number, toHour: number): Promise<{ events: number[]; users: number[]; meta: Hours['meta'] }> => {
    await machine.settled();
    const [fromMs, toMs] = [TEN_MS + (fromHour - 10) * HOUR_MS, TEN_MS + (toHour - 10) * HOUR_MS];
    const series = [{ measure: 'events' as const }, { measure: 'users' as const }];
    const answer = (await machine.asking('shop').question('trend', { from: at(fromMs), to: at(toMs), granularity: 'hour', series })) as Hours;
    const [events, users] = answer.series.map(({ points }) => points.map(({ value }) => value));
    const model = system.trend('shop', { fromMs, toMs, timezone: 'UTC', granularity: 'hour', includeBots: false, series });
    expect([events, users]).toEqual(model.map(([line]) => line!.points.map(({ value }) => value)));
    return { events: events!, users: users!, meta: answer.meta };
  };

  for (let minute = -120; minute <= 120; minute += 3) await online(minute);
  machine.clockMs = TEN_MS + 2 * HOUR_MS + 30_000;

  // Before: what the two hours show is said to be open, what lies before them is not.
  const before = await hours(10, 13);
  expect(before.events).toEqual([60, 60, 3]);
  expect(before.meta.completeThrough).toBe(at(TEN_MS + 29_000));
  expect(before.meta.provisionalFrom).toBe(before.meta.completeThrough);
  const finished = await hours(8, 10);
  expect(finished.meta.provisionalFrom).toBe(null);

  // One device was away from 10:01 to 12:00; its clock is three hours ahead, and its batches come in any order, one twice.
  const away = Array.from({ length: 119 }, (_, index) => TEN_MS + (index + 1) * MINUTE_MS);
  const batches = [0, 1, 2, 3].map((part) => away.filter((_, index) => index % 4 === part));
  for (const [number, times] of [batches[2]!, batches[0]!, batches[3]!, batches[1]!, batches[0]!].entries()) {
    const receivedAtMs = TEN_MS + 2 * HOUR_MS + 40_000 + number * 800;
    const events = times.map((ms) => ({ eventId: `off-${ms}`, eventName: 'click', userId: 'traveller', timestamp: ms + CLOCK.wrongMs })).toReversed();
    await receive({ receivedAtMs, sentAt: receivedAtMs - 300 + CLOCK.wrongMs, events });
  }
  await online(121);

  // After: 59 and 60 more in those hours, one person more in each, and nothing of it in the current hour.
  const after = await hours(10, 13);
  expect(after.events).toEqual([60 + 59, 60 + 60, 6]);
  expect([before.users, after.users]).toEqual([[3, 3, 3], [4, 4, 3]]);
  // What was said to be complete has stayed as it was.
  expect((await hours(8, 10)).events).toEqual(finished.events);
  expect(system.ends('shop')).toMatchObject({ duplicate: batches[0]!.length, conflict: 0 });
  expect(await machine.processor.balance('shop')).toMatchObject(system.ends('shop'));

  // Two hours later those hours are said to be complete, and the current one is not.
  machine.clockMs = TEN_MS + 4 * HOUR_MS + 2 * MINUTE_MS;
  expect((await hours(10, 12)).meta.provisionalFrom).toBe(null);
  expect((await hours(10, 13)).meta.provisionalFrom).toBe(at(TEN_MS + 2 * HOUR_MS + 2 * MINUTE_MS - 1_000));
});
