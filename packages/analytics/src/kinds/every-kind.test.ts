/**
 * What holds of every kind of question, whatever it counts: a condition that always holds changes nothing, the parts of a cohort and of a
 * breakdown add up, so do ranges, a list of people is as long as its number says, and no text is anything but a text.
 * `TIDEMARK_KINDS_RUNS=20` tries more histories.
 */
import type { StoredEvent } from '@tidemark/event';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../asking/ask.ts';
import type { AskContext } from '../asking/ask-context.ts';
import { KINDS } from '../kinds.ts';
import { askPeople } from '../people/people.ts';
import { WarehouseIdentities } from '../identity/identities.ts';
import { history } from '../testing/histories.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';

const RUNS = Number(process.env['TIDEMARK_KINDS_RUNS'] ?? 1);
const START_MS = Date.UTC(2026, 4, 3);
const HOUR_MS = 3_600_000;

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

/** An answer's numbers of people and events, by what they count. */
type Numbers = Record<string, number>;
interface Line {
  breakdown: string[];
}
type Part = { series?: ({ total: number } & Line)[]; breakdowns: Line[] } & Record<string, never>;

interface Example {
  /** With names as they are to be written. */
  body: (name: (text: string) => string) => object;
  /** Those that add up over any parts in which each person is in one. */
  numbersOf: (part: Part) => Numbers;
  /** A cell, and the number in the answer that is of the same people. */
  people: (answer: Part) => { cell: object; counted: number };
  /** Adds up over parts of the range, too. */
  ofRanges?: (answer: Part) => Numbers;
}

const [sum, plain] = [(values: readonly number[]): number => values.reduce((all, each) => all + each, 0), (text: string): string => text];
const totals = (rows: readonly { [key: string]: unknown }[], key: (row: never) => string, value: (row: never) => number): Numbers => {
  const found: Numbers = {};
  for (const row of rows) found[key(row as never)] = (found[key(row as never)] ?? 0) + value(row as never);
  return found;
};
const listOf = (part: Part, name: string): never[] => (part as Record<string, never[]>)[name] ?? [];
const numberOf = (part: Part, name: string): number => (part as Record<string, number>)[name] ?? 0;

const EXAMPLES: Record<string, Example> = {
  trend: {
    body: (name) => ({ series: [{ measure: 'events' }, { event: name('view'), measure: 'users' }], granularity: 'day' }),
    numbersOf: ({ series = [] }) => Object.fromEntries(series.map(({ total }, i) => [`series ${i}`, total])),
    people: ({ series = [] }) => ({ cell: { series: 1 }, counted: series.at(-1)!.total }),
    ofRanges: ({ series = [] }) => ({ events: series[0]!.total }),
  },
  funnel: {
    body: (name) => ({ steps: ['view', 'cart', 'buy'].map((event) => ({ event: name(event) })), window: '2h', hold: [], histogram: {}, granularity: 'day', next: { step: 1, limit: 100 } }),
    numbersOf: (part) => ({
      ...totals(listOf(part, 'steps'), ({ event }: { event: string }) => event, ({ users, dropOff }: { users: number; dropOff: number }) => users * 1_000 + dropOff),
      ...totals(listOf(part, 'points'), ({ time }: { time: string }) => time, ({ users, converted }: { users: number; converted: number }) => users * 1_000 + converted),
    }),
    people: (answer) => ({ cell: { step: 2, outcome: 'dropped' }, counted: (listOf(answer, 'steps') as { dropOff: number }[])[1]!.dropOff }),
  },
  sessions: {
    body: () => ({ granularity: 'hour' }),
    numbersOf: (part) => ({ sessions: numberOf(part, 'sessions'), users: numberOf(part, 'users'), events: Math.round(numberOf(part, 'sessions') * numberOf(part, 'eventsPerSession')) }),
    people: (answer) => ({ cell: {}, counted: numberOf(answer, 'users') }),
    ofRanges: (answer) => ({ sessions: numberOf(answer, 'sessions') }),
  },
  retention: {
    body: (name) => ({ start: { event: name('view') }, return: {}, period: 'day', periods: 3, mode: 'on_or_after' }),
    numbersOf: (part) => totals(listOf(part, 'cohorts'), ({ start }: { start: string }) => start, ({ size, retained }: { size: number; retained: number[] }) => size * 1_000 + sum(retained)),
    people: (answer) => ({ cell: {}, counted: (answer['mean'] as unknown as { size: number }).size }),
    ofRanges: (answer) => ({ people: (answer['mean'] as unknown as { size: number }).size }),
  },
  paths: {
    body: (name) => ({ after: { event: name('view') }, steps: 4, nodeLimit: 100, window: '3h', hide: [name('nothing')] }),
    numbersOf: (part) => ({
      users: numberOf(part, 'users'), truncated: numberOf(part, 'truncated'),
      ...totals(listOf(part, 'nodes'), ({ step, node }: { step: number; node: string }) => `${step} ${node}`, ({ users }: { users: number }) => users),
      ...totals(listOf(part, 'links'), ({ step, from, to }: { step: number; from: string; to: string }) => `${step} ${from} > ${to}`, ({ users }: { users: number }) => users),
    }),
    people: (answer) => ({ cell: {}, counted: numberOf(answer, 'users') }),
  },
  attribution: {
    body: (name) => ({ conversion: { event: name('buy'), value: `properties.${name('price')}` }, touch: { event: name('view') }, lookback: '1d', breakdown: [`properties.${name('item')}`], limit: 100 }),
    numbersOf: (part) => ({ conversions: numberOf(part, 'conversions'), users: numberOf(part, 'users'), withoutTouch: numberOf(part, 'withoutTouch') }),
    people: (answer) => ({ cell: {}, counted: numberOf(answer, 'users') }),
    ofRanges: (answer) => ({ conversions: numberOf(answer, 'conversions') }),
  },
  experiment: {
    body: (name) => ({ exposure: { event: name('view') }, variant: `properties.${name('item')}`, metrics: [{ event: name('buy') }, { event: name('cart'), measure: 'events' }] }),
    numbersOf: (part) => {
      const [metric] = listOf(part, 'metrics') as unknown as { variants: { variant: string; users: number; converted: number }[] }[];
      return totals(metric?.variants ?? [], ({ variant }: { variant: string }) => variant, ({ users, converted }: { users: number; converted: number }) => users * 1_000 + converted);
    },
    people: (answer) => {
      const [metric] = listOf(answer, 'metrics') as unknown as { variants: { variant: string; users: number; converted: number }[] }[];
      const [first] = metric?.variants ?? [];
      return { cell: { variant: first?.variant ?? '', metric: 0, outcome: 'converted' }, counted: first?.converted ?? 0 };
    },
  },
  cohort: {
    body: (name) => ({ all: [{ did: name('view') }, { didNot: name('cart') }] }),
    numbersOf: (part) => ({ size: numberOf(part, 'size') }),
    people: (answer) => ({ cell: {}, counted: numberOf(answer, 'size') }),
  },
};

async function answerTo(kind: string, body: object, context: AskContext): Promise<Part> {
  const { meta, ...answer } = await ask(kind, body, context);
  // Every answer comes with the statements that it was made of (rule Q6).
  expect(meta.sql, kind).toMatch(/\bSELECT\b.*\bFROM events\b/s);
  return answer as Part;
}

/** The part of an answer that is of one group; as the whole is told. */
function partOf(answer: Part, label: string): Part | undefined {
  const isOfGroup = ({ breakdown }: Line): boolean => breakdown[0] === label;
  const { series, breakdowns } = answer;
  return series === undefined ? (breakdowns.find(isOfGroup) as Part | undefined) : ({ series: series.filter(isOfGroup) } as never);
}

function added(...parts: readonly Numbers[]): Numbers {
  const all = totals(parts.flatMap((part) => Object.entries(part).map(([name, value]) => ({ name, value }))), ({ name }: { name: string }) => name, ({ value }: { value: number }) => value);
  return withoutNothing(all);
}

function withoutNothing(numbers: Numbers): Numbers {
  return Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== 0));
}

describe('every kind', () => {
  it('has an example here, but SQL, which nobody else phrases', () => {
    expect(Object.keys(EXAMPLES).toSorted()).toEqual(KINDS.map(({ name }) => name).filter((name) => name !== 'sql').toSorted());
  });

  const events = history('', { startMs: START_MS, spanMs: 48 * HOUR_MS, stepMs: HOUR_MS / 4, minEvents: 25, maxEvents: 40 });
  const items = fc.array(fc.constantFrom('a', 'b', 'c', undefined), { minLength: 40, maxLength: 40 });
  it('adds up, and is not changed by a condition that always holds', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(events, items, fc.integer({ min: 1, max: 47 }), async (drawn, drawnItems, hours) => {
        const project = `kinds${++round}`;
        await store.add(drawn.map((event, i) => ({ ...event, project, properties: JSON.stringify({ ...(JSON.parse(event.properties) as object), item: drawnItems[i], price: i }) })));
        const [from, middle, to] = [START_MS, START_MS + hours * HOUR_MS, START_MS + 49 * HOUR_MS].map((ms) => new Date(ms).toISOString());
        const saved: Record<string, object> = { buyers: { from, to, all: [{ did: 'buy' }] }, nobody: { all: [{ did: 'never' }] } };
        const context: AskContext = { ...store.context(project, START_MS + 100 * 24 * HOUR_MS), cohort: async (_, name) => ({ question: saved[name] }) };
        const always = [
          { property: 'eventName', op: 'is_set' }, { property: 'cohort', op: 'not_in', value: ['nobody'] }, { property: 'session.events', op: '>=', value: 1 },
          { any: [{ property: 'properties.price', op: '>', value: 9 }, { property: 'properties.price', op: 'not_in', value: [10, 11] }] },
        ];
        for (const [kind, { body, numbersOf, people, ofRanges }] of Object.entries(EXAMPLES)) {
          const asked = { from, to, ...body(plain) };
          const whole = await answerTo(kind, asked, context);
          for (const condition of always) expect(await answerTo(kind, { ...asked, where: [condition] }, context), `${kind} ${JSON.stringify(condition)}`).toEqual(whole);

          const within = (op: string): Promise<Part> => answerTo(kind, { ...asked, where: [{ property: 'cohort', op, value: ['buyers'] }] }, context);
          const [members, others] = [await within('in'), await within('not_in')];
          expect(added(numbersOf(members), numbersOf(others)), `${kind} in and not in a cohort`).toEqual(withoutNothing(numbersOf(whole)));
          // The groups of an attribution are those of touches, which the question's `where` does not choose.
          if (kind !== 'attribution') {
            const split = await answerTo(kind, { ...asked, breakdown: ['cohort.buyers'] }, context);
            for (const [label, filtered] of [['in', members], ['not in', others]] as const) {
              expect(withoutNothing(numbersOf(partOf(split, label) ?? ({ series: [] } as never))), `${kind}: the group ${label}`).toEqual(withoutNothing(numbersOf(filtered)));
            }
          }
          const { cell, counted } = people(whole);
          if (counted > 0 || kind !== 'experiment') expect((await askPeople(kind, { ...asked, cell }, context)).total, `${kind}: people`).toBe(counted);
          if (ofRanges === undefined) continue;
          const halves = [await answerTo(kind, { ...asked, to: middle }, context), await answerTo(kind, { ...asked, from: middle }, context)];
          expect(added(...halves.map(ofRanges)), `${kind}: a range in two`).toEqual(withoutNothing(ofRanges(whole)));
        }
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: 60_000 + RUNS * 10_000 },
    );
  }, 120_000 + RUNS * 20_000);

  /** Around every name of the same events, so that whatever is told is told around them again, and in the same order. */
  const AROUND = ["'); DROP TABLE events; --", '\\', '`"/* {x:String} %s \0 = - \\\' ] e -> 😀\u2028'];

  function shop(project: string, name: (text: string) => string): StoredEvent[] {
    const at = (minutes: number, who: object, event: string, item: string) =>
      storedEvent({ project, ...who, eventName: name(event), timeMs: START_MS + minutes * 60_000, properties: { [name('item')]: name(item), [name('price')]: minutes }, traits: { [name('plan')]: name('gold') } });
    const [ann, old, device, bob] = [{ userId: name('ann') }, { userId: name('old') }, { anonymousId: name('dev') }, { userId: name('bob') }];
    return [
      at(0, device, 'view', 'hat'), at(5, { ...device, ...old }, 'cart', 'hat'), at(9, old, 'view', 'cap'), at(20, ann, 'buy', 'hat'), at(25, bob, 'view', 'cap'), at(29, bob, 'buy', 'cap'),
      storedEvent({ project, type: 'alias', eventName: name('join'), userId: name('ann'), previousId: name('old'), timeMs: START_MS + 15 * 60_000 }),
    ];
  }

  it('takes any text as it is: names of events and properties, values, ids of people and aliases, saved cohorts; and refuses it as a zone', async () => {
    const told = async (around: string, i: number): Promise<Record<string, unknown>> => {
      const name = (text: string): string => `${around}${text}${around}`;
      const project = `texts${i}`;
      await store.add(shop(project, name));
      const range = { from: '2026-05-03', to: '2026-05-04' };
      const saved: Record<string, object> = { [name('buyers')]: { ...range, all: [{ did: name('buy') }] } };
      const identities = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => [], changes: () => ({ claims: 0, links: 0, events: 0 }) });
      const context: AskContext = { ...store.context(project), identities, cohort: async (_, of) => (Object.hasOwn(saved, of) ? { question: saved[of] } : undefined) };
      const where = [{ property: `properties.${name('item')}`, op: 'in', value: [name('hat'), name('cap')] }, { property: 'cohort', op: 'in', value: [name('buyers')] }, { property: `person.${name('plan')}`, op: 'contains', value: name('gold') }];
      const found: Record<string, unknown> = {};
      for (const [kind, { body, people }] of Object.entries(EXAMPLES)) {
        const breakdown = kind === 'cohort' ? [`person.${name('plan')}`, `cohort.${name('buyers')}`] : kind === 'attribution' ? [`properties.${name('item')}`] : [`properties.${name('item')}`, `cohort.${name('buyers')}`];
        const asked = { ...range, ...body(name), where, breakdown };
        const answer = await answerTo(kind, asked, context);
        const { people: shown } = await askPeople(kind, { ...asked, cell: people(answer).cell }, context);
        found[kind] = unwrapped({ answer, shown }, around);
        if (around !== '') await expect(ask(kind, { ...asked, timezone: name('UTC') }, context), kind).rejects.toMatchObject({ problems: [{ code: 'unknown_timezone', field: 'timezone' }] });
      }
      return found;
    };
    const expected = await told('', 0);
    for (const [kind, each] of Object.entries(expected)) expect(JSON.stringify(each), kind).toMatch(/"old"|"bob"/);
    for (const [i, around] of AROUND.entries()) expect(await told(around, i + 1), JSON.stringify(around)).toEqual(expected);
  }, 240_000);
});

describe('a million values of a breakdown', () => {
  const PEOPLE = 1_000_000;
  it('are answered by the greatest group and the rest, which is all the others', async () => {
    const project = 'million';
    // Everybody views once; u7 does so thrice, each time on a device of another's.
    const columns = "'million', 'view', toString(number % 1000000), concat('u', toString(if(number < 1000000, number, 7))), concat('e', toString(number))";
    await store.warehouse.command(
      `INSERT INTO events (project, event_name, anonymous_id, user_id, event_id, time) SELECT ${columns}, fromUnixTimestamp64Milli(toInt64(${START_MS} + number), 'UTC') FROM numbers(${PEOPLE + 2})`,
    );
    const range = { from: '2026-05-03', to: '2026-05-04', breakdown: ['userId'], limit: 1 };
    const view = { event: 'view' };
    const asked: Record<string, [body: object, count: (line: Part) => number]> = {
      trend: [{ series: [{ measure: 'events' }] }, (line) => numberOf(line, 'total')],
      funnel: [{ steps: [view] }, (line) => (listOf(line, 'steps') as { users: number }[])[0]!.users],
      retention: [{ start: view, return: {}, periods: 1 }, (line) => (line['mean'] as unknown as { size: number }).size],
      sessions: [{}, (line) => numberOf(line, 'sessions')],
      paths: [{ after: view, steps: 2 }, (line) => numberOf(line, 'users')],
      attribution: [{ conversion: view, touch: view, models: ['last_touch'] }, (line) => (line['models'] as unknown as { last_touch: { conversions: number } }).last_touch.conversions],
      experiment: [{ exposure: view, variant: 'eventName', metrics: [view] }, (line) => (listOf(line, 'variants') as { users: number }[])[0]!.users],
    };
    for (const [kind, [body, count]] of Object.entries(asked)) {
      const { series, breakdowns } = await answerTo(kind, { ...range, ...body }, store.context(project));
      const found = (series ?? breakdowns).map((line) => [line.breakdown[0], count(line as never)]);
      // What counts people counts u7 once, and of groups of one the first by name is shown.
      const isOfEvents = ['trend', 'sessions', 'attribution'].includes(kind);
      expect(found, kind).toEqual(isOfEvents ? [['u7', 3], ['other', PEOPLE - 1]] : [['u0', 1], ['other', PEOPLE - 1]]);
    }
  });
});

/** Every text without what stands around the names in it. */
function unwrapped(value: unknown, around: string): unknown {
  if (around === '') return value;
  return JSON.parse(JSON.stringify(value), (_, each: unknown) => (typeof each === 'string' ? each.replaceAll(around, '') : each));
}
