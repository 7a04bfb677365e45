/** Each thing that an answer hangs on, by itself: when it changes, what was computed before is not served. */
import { MAX_CLAIMED_DEVICES } from '@tidemark/identity';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DAY_MS, type Change, type Sketch } from './changes.ts';
import { Store, type History } from './store.ts';

const HOUR_MS = 3_600_000;
const store = new Store();
beforeAll(() => store.open());
afterAll(() => store.close());

const event = (who: readonly [string, string], atMs: number, more: Partial<Sketch> = {}): Sketch => ({ eventName: 'view', who, previousId: '', groupId: '', plan: '', channel: 'direct', atMs, ...more });
const add = (...events: Sketch[]): Change => ({ do: 'add', events });
const ROUND: Change = { do: 'round' };
const [ANN, BOB, D1] = [['ann', ''], ['bob', ''], ['', 'd1']] as const;
const NOON_MS = DAY_MS + 12 * HOUR_MS;
const [VIEW, BUY] = [{ event: 'view' }, { event: 'buy' }];
const users = { series: [{ measure: 'users' }] };

/** Of the day 1 to 2, where ann, bob and d1 came at noon, and d1 just after midnight. */
const CASES: [what: string, kind: string, question: object, changes: Change[], afterMs?: number][] = [
  ['a late event, which is rolled up', 'trend', { series: [{}] }, [add(event(ANN, NOON_MS)), ROUND]],
  ['a late event, which is not rolled up yet', 'trend', { series: [{}] }, [add(event(ANN, NOON_MS))]],
  ['a claim on a device, by an event of another day', 'trend', users, [add(event(['ann', 'd1'], 3 * DAY_MS)), ROUND]],
  ['an alias of another day', 'trend', users, [add(event(ANN, 3 * DAY_MS, { previousId: 'bob' })), ROUND]],
  ['a trait of another day', 'trend', { ...users, breakdown: ['person.plan'] }, [add(event(ANN, 3 * DAY_MS, { plan: 'pro' })), ROUND]],
  ['a merge, at once', 'trend', users, [{ do: 'merge', pair: ['uann', 'ubob'] }], 0],
  ['a channel rule, at once', 'attribution', { conversion: BUY }, [{ do: 'channels', name: 'ads' }], 0],
  ['a saved cohort, at once', 'trend', { ...users, where: [{ property: 'cohort', op: 'in', value: ['c'] }] }, [{ do: 'cohort', event: 'buy' }], 0],
  ['who is of a cohort, by an event of another day', 'trend', { ...users, where: [{ property: 'cohort', op: 'in', value: ['c'] }] }, [add(event(BOB, 3 * DAY_MS, { eventName: 'pay' })), ROUND]],
  ['events that expire', 'trend', { series: [{ measure: { unique: 'userId' } }] }, [{ do: 'expire', days: 2 }]],
  ['an event in the window behind the range of a funnel', 'funnel', { steps: [VIEW, BUY], window: '1d' }, [add(event(BOB, 2 * DAY_MS, { eventName: 'buy' })), ROUND]],
  ['one two windows behind it, of what people did next', 'funnel', { steps: [VIEW, BUY], window: '1d', next: { step: 2 } }, [add(event(ANN, 2 * DAY_MS + HOUR_MS, { eventName: 'pay' })), ROUND]],
  ['an event before the range, of a rolling mean', 'trend', { series: [{}], rolling: 2 }, [add(event(ANN, HOUR_MS)), ROUND]],
  ['one in the range that is compared with', 'trend', { series: [{}], compare: 'previous' }, [add(event(ANN, HOUR_MS)), ROUND]],
  ['a touch before the range', 'attribution', { conversion: BUY, lookback: '1d' }, [add(event(ANN, 20 * HOUR_MS, { channel: 'paid' })), ROUND]],
  ['who comes back after the range', 'retention', { start: VIEW, return: {}, entry: 'recurring', periods: 2 }, [add(event(ANN, 2 * DAY_MS + HOUR_MS)), ROUND]],
  ['who came before the range', 'retention', { start: VIEW, return: {}, periods: 1 }, [add(event(ANN, HOUR_MS)), ROUND]],
  ['what leads to an event of the range', 'paths', { before: VIEW, window: '1d' }, [add(event(ANN, 20 * HOUR_MS, { eventName: 'pay' })), ROUND]],
  ['what follows behind it', 'paths', { after: VIEW, window: '1d' }, [add(event(BOB, 2 * DAY_MS + HOUR_MS, { eventName: 'pay' })), ROUND]],
  ['a session that begins before the range', 'trend', { series: [{}], breakdown: ['session.events'] }, [add(event(D1, DAY_MS - 60_000)), ROUND]],
  ['the end of the week of the last point', 'trend', { series: [{}], granularity: 'week' }, [{ do: 'wait' }], 10 * DAY_MS],
];

async function begun(): Promise<{ history: History; range: object }> {
  const history = await store.begin();
  await history.take({ do: 'cohort', event: 'pay' });
  await history.take(add(event(D1, DAY_MS + 60_000), event(D1, NOON_MS), event(BOB, NOON_MS), event(ANN, NOON_MS), event(ANN, NOON_MS + HOUR_MS, { eventName: 'buy' })));
  await history.take(ROUND);
  const [from, to] = [1, 2].map((day) => new Date(history.startMs + day * DAY_MS).toISOString());
  return { history, range: { from, to } };
}

it.each(CASES)('%s', async (_, kind, body, changes, afterMs = 60_000) => {
  const { history, range } = await begun();
  const question = { ...range, ...body };
  const first = await history.ask(kind, question);
  for (const change of changes) await history.take(change);
  store.nowMs += afterMs;
  const expected = await history.compute(kind, question);
  expect(expected, 'the change shows').not.toEqual(first.answer);
  expect(await history.ask(kind, question)).toMatchObject({ answer: expected, cached: false });
});

it('a user with too many devices, who is noticed after the events are stored', async () => {
  const { history, range } = await begun();
  const question = { ...range, ...users };
  expect(await history.ask('trend', question)).toMatchObject({ answer: { series: [{ total: 3 }] } });
  const seenWith = (device: string): Sketch => event(['bob', device], 3 * DAY_MS);
  await history.take(add(seenWith('d1'), ...Array.from({ length: MAX_CLAIMED_DEVICES }, (_, i) => seenWith(`kiosk ${i}`))));
  await history.take(ROUND);
  store.nowMs += 60_000;
  store.isReadBeside = true;
  expect(await history.ask('trend', question), 'd1 is taken for bob\'s').toMatchObject({ answer: { series: [{ total: 2 }] } });
  store.isReadBeside = false;
  store.nowMs += 60_000;
  expect(await history.ask('trend', question), 'no claim of bob counts').toMatchObject({ answer: { series: [{ total: 3 }] }, cached: false });
});

it('nothing else: what is of another time and of nobody who came leaves an answer as good as new', async () => {
  const { history, range } = await begun();
  const questions: [string, object][] = [
    ['trend', { ...range, ...users }], ['funnel', { ...range, steps: [VIEW, BUY], window: '1h' }], ['attribution', { ...range, conversion: BUY, lookback: '1h' }],
    ['retention', { ...range, start: VIEW, return: {}, entry: 'recurring', periods: 1 }], ['paths', { ...range, after: VIEW, window: '1h' }],
  ];
  const first = await Promise.all(questions.map(([kind, question]) => history.ask(kind, question)));
  await history.take(add(event(ANN, 3 * DAY_MS)));
  await history.take(ROUND);
  store.nowMs += 60_000;
  for (const [i, [kind, question]] of questions.entries()) expect(await history.ask(kind, question), kind).toEqual({ ...first[i], cached: true });
});
