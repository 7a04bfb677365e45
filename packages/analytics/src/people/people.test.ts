import { peopleShown, personOf, type PersonShown } from '@tidemark/model';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../asking/ask.ts';
import type { AskContext } from '../asking/ask-context.ts';
import { WarehouseIdentities } from '../identity/identities.ts';
import { QuestionError } from '../question/problem.ts';
import { breakdown, history, inGroups, kindsRun, where } from '../testing/histories.ts';
import { withSavedCohorts } from '../testing/saved-cohorts.ts';
import { asModel, identityHistory } from '../testing/identity-histories.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';
import { throughTable } from '../testing/through-table.ts';
import { askPeople } from './people.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const RUNS = Number(process.env['TIDEMARK_PEOPLE_RUNS'] ?? 3);
const RUN = kindsRun(3);

/** All pages of a list, of so many people each. */
async function allPages(kind: string, body: object, pageSize: number, context: AskContext): Promise<{ people: PersonShown[]; total: number }> {
  const people: PersonShown[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page = await askPeople(kind, { ...body, pageSize, ...(cursor !== null && { cursor }) }, context);
    people.push(...page.people);
    if (page.nextCursor !== null) expect(page.people).toHaveLength(pageSize);
    cursor = page.nextCursor;
    if (cursor === null) return { people, total: page.total };
  }
}

describe('a person in a list', () => {
  it('is shown as the model does, whoever is joined and cut, on pages of any size (rules K1, K2, K7)', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(identityHistory, fc.integer({ min: 1, max: 4 }), fc.boolean(), async ({ events, arrivals, decisions }, pageSize, isInTable) => {
        const project = `people${++round}`;
        for (const lot of arrivals) await store.add(lot.map((event) => ({ ...event, project })));
        const read = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => decisions });
        const of = () => (isInTable ? throughTable(project, decisions, store.warehouse) : read.of(project));
        const asked = { range: 'last 366d', series: [{ event: ['view', 'cart'] }], cell: { series: 0 } };
        const expected = peopleShown(events, events.filter(({ eventName }) => eventName !== 'buy').map(personOf(events, asModel(decisions))), asModel(decisions));
        expect(await allPages('trend', asked, pageSize, { ...store.context(project), identities: { of } })).toEqual({ people: expected, total: expected.length });
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: 45_000 },
    );
  });

  it('has at most 100 devices, and none without events', async () => {
    const project = 'devices';
    const at = Date.UTC(2026, 4, 3);
    const seen = Array.from({ length: 130 }, (_, i) => storedEvent({ project, userId: 'ann', anonymousId: `d${i}`, timeMs: at + i }));
    await store.add([...seen, storedEvent({ project, type: 'alias', userId: 'bob', previousId: 'never seen', timeMs: at })]);
    const { people } = await askPeople('trend', { range: 'last 366d', series: [{}], cell: { series: 0 } }, store.context(project));
    expect(people.map(({ personId, anonymousIds }) => [personId, anonymousIds.length])).toEqual([['ann', 100], ['bob', 0]]);
  });
});

type Labels = readonly (string | { value: string })[];

/** What is listed of a group: a value that reads "(not set)" can only be told from an unset one by its form, and one of them is in the answer. */
async function inAnyForm<List>(labels: Labels, list: (labels: Labels) => Promise<List>): Promise<List> {
  const forms = labels.reduce<Labels[]>((all, label) => (label === '(not set)' ? all.flatMap((form) => [[...form, label], [...form, { value: label }]]) : all.map((form) => [...form, label])), [[]]);
  for (const form of forms.slice(0, -1)) {
    try {
      return await list(form);
    } catch (error) {
      if (!(error instanceof QuestionError)) throw error;
    }
  }
  return list(forms.at(-1)!);
}

describe('a list', () => {
  const START_MS = Date.UTC(2026, 4, 3);
  const cell = fc.record({ point: fc.option(fc.nat(100)), line: fc.option(fc.nat(100)), compare: fc.boolean(), series: fc.nat(1), days: fc.option(fc.integer({ min: 1, max: 7 })) });
  /** What a point of a trend of users may be, of people each. */
  const trend = fc.constantFrom<object[]>({}, {}, { cumulative: true }, { stickiness: 'week' }, { stickiness: 'week', cumulative: true }).map((more) => ({ ...more, compare: '1d' }));
  const question = fc.record({ where, breakdown, limit: fc.integer({ min: 1, max: 3 }), includeBots: fc.boolean(), trend, weekStart: fc.constantFrom('monday', 'saturday'), cells: fc.array(cell, { minLength: 3, maxLength: 3 }) });
  interface Line {
    label?: string;
    breakdown: string[];
    total?: number;
    users?: number;
    points: { time: string; value: number; users?: number }[];
    stickiness?: { time: string; days: number[] }[];
    compare?: Line;
  }

  it('is as long as the number in the answer, of trends and of sessions (rules K3, K4)', async () => {
    let round = 0;
    const events = inGroups(history('', { startMs: START_MS, spanMs: 3 * 86_400_000, stepMs: 3_600_000, minEvents: 6, maxEvents: 24 }));
    await fc.assert(
      fc.asyncProperty(events, fc.array(question, { minLength: 3, maxLength: 3 }), fc.constantFrom('trend', 'sessions'), async (unnamed, questions, kind) => {
        const project = `lists${++round}`;
        const held = unnamed.map((event) => ({ ...event, project }));
        await store.add(held);
        const { context } = withSavedCohorts(held, store.context(project));
        for (const { cells, trend: ofTrend, ...asked } of questions) {
          const base = { ...asked, from: '2026-05-03T06:00:00Z', to: '2026-05-05T12:00:00Z', timezone: 'Europe/Berlin' };
          const body = kind === 'trend' ? { ...base, ...ofTrend, series: [{ event: ['view', 'cart'], measure: 'users', label: '0' }, { event: 'buy', measure: 'users', label: '1' }] } : base;
          const answer = await ask(kind, body, context);
          const found = answer as unknown as { series: Line[]; breakdowns: Line[] };
          const linesOf = (series: number): Line[] => (kind === 'trend' ? found.series.filter(({ label }) => label === String(series)) : [{ ...(answer as unknown as Line), breakdown: [] }, ...found.breakdowns]);
          for (const { point, line, compare, series, days } of cells) {
            const lines = linesOf(series);
            const at = line === null ? undefined : lines[line % Math.max(lines.length, 1)];
            // Two groups may read alike: a value "other", and what it stands for.
            if (at === undefined || lines.filter((other) => JSON.stringify(other.breakdown) === JSON.stringify(at.breakdown)).length > 1) continue;
            const isEarlier = compare && at.compare !== undefined;
            const shown = isEarlier ? (at.compare ?? at) : at;
            const period = days === null || shown.stickiness === undefined ? undefined : shown.stickiness[(point ?? 0) % shown.stickiness.length];
            const place = period !== undefined || point === null ? undefined : shown.points[point % shown.points.length];
            const isSummary = at.breakdown.every((label) => label === 'other') && at === lines.findLast((other) => other.breakdown.every((label) => label === 'other'));
            const labels = at.breakdown.map((label) => (label === 'other' && !isSummary ? { value: label } : label));
            const asksFor = {
              ...(kind === 'trend' && { series, compare: isEarlier }),
              ...(period && { time: new Date(period.time).toISOString(), days }),
              ...(place && { time: new Date(place.time).toISOString() }),
            };
            const number = period ? period.days[(days ?? 1) - 1] : kind === 'trend' ? (place?.value ?? shown.total) : (place?.users ?? shown.users);
            const list = await inAnyForm(labels, (group) => askPeople(kind, { ...body, cell: { ...asksFor, ...(group.length > 0 && { breakdown: group }) } }, context));
            expect([list.total, list.people.length], `${kind} ${JSON.stringify({ ...body, cell: asksFor, labels })}`).toEqual([number, number]);
          }
        }
      }),
      RUN,
    );
  }, RUN.timeoutMs);

  const HOSTILE = ["o'brien", '\\', "\\'", '"', '`', '--', '/* */', 'a\0b', '\u{1f600}é', '{x}', '%s', 'person_of_70', "') OR 1=1 --"];

  it('takes any text for a name of a person, a group and an event (no text is read as SQL)', async () => {
    const project = 'hostile';
    const at = Date.UTC(2026, 4, 3);
    const of = (text: string, eventName: string, seconds: number) => storedEvent({ project, userId: text, eventName, timeMs: at + seconds * 1_000, properties: { item: text, 'x': text } });
    await store.add(HOSTILE.flatMap((text) => [of(text, 'first', 0), of(text, text, 1)]));
    const base = { from: '2026-05-03', to: '2026-05-04', limit: 100, breakdown: ['properties.item'] };
    for (const [i, text] of HOSTILE.entries()) {
      const condition = [{ property: 'properties.x', op: '=', value: text }];
      const steps = [{ event: 'first' }, { event: text, where: condition, optional: true }, { event: text }];
      const questions: [kind: string, body: object][] = [
        ['trend', { series: [{ event: text }], cell: { series: 0, breakdown: [text] } }],
        ['sessions', { where: condition, cell: { breakdown: [{ value: text }] } }],
        ['funnel', { steps, hold: ['properties.item'], exclude: [{ event: `${text}!`, where: condition }], cell: { step: 3, breakdown: [text] } }],
        ['funnel', { breakdown: [], steps: [{ event: 'first' }], next: { step: 1, limit: 100 }, cell: { next: { value: text } } }],
      ];
      // Each text in two of them, each of them with half of the texts.
      for (const [kind, body] of questions.filter((_, at) => at % 2 === i % 2)) {
        const { people } = await askPeople(kind, { ...base, ...body }, store.context(project));
        expect(people.map(({ userId }) => userId), kind).toEqual([text]);
      }
    }
    const { people } = await allPages('trend', { ...base, series: [{}], cell: { series: 0 } }, 3, store.context(project));
    expect(people.map(({ userId }) => userId)).toEqual(HOSTILE.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });

  it('refuses a cursor of another question or cell, and one that is none', async () => {
    const project = 'cursors';
    await store.add(['a', 'b'].map((userId) => storedEvent({ project, userId, timeMs: Date.UTC(2026, 4, 3) })));
    const body = { from: '2026-05-03', to: '2026-05-04', series: [{}], cell: { series: 0 }, pageSize: 1 };
    const { nextCursor: cursor } = await askPeople('trend', body, store.context(project));
    expect((await askPeople('trend', { ...body, pageSize: 7, cursor }, store.context(project))).people).toHaveLength(1);
    for (const wrong of [{ ...body, cursor: 'x' }, { ...body, cursor, to: '2026-05-05' }, { ...body, cursor, cell: { series: 0, compare: false } }, { ...body, cursor: Buffer.from('[1]').toString('base64url') }]) {
      await expect(askPeople('trend', wrong, store.context(project))).rejects.toMatchObject({ problems: [{ code: 'invalid_cursor', field: 'cursor' }] });
    }
  });
});
