/**
 * docs/questions.md and the pages of docs/questions/ are true: each example is asked of the twelve events, or of these and
 * the `more` events above it on its page, and each code is explained.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Type, { type TObject } from 'typebox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './asking/ask.ts';
import { KINDS } from './kinds.ts';
import type { CohortLookup } from './cohorts/saved-cohorts.ts';
import { StaticCohorts } from './cohorts/static-cohorts.ts';
import { StaticCohort } from './cohorts/static-question.ts';
import { askPeople, PeopleAnswer, peopleQuestion } from './people/people.ts';
import { PROBLEM_CODES, QuestionError } from './question/problem.ts';
import { Meta } from './question/schema.ts';
import { exactly } from './testing.ts';
import { WarehouseIdentities } from './identity/identities.ts';
import { optionsOf, saidIn } from './testing/options.ts';
import { validate } from './question/validate.ts';
import { openTestStore, storedEvent, type EventSketch, type TestStore } from './testing/store.ts';

const DOCS = new URL('../../../docs/', import.meta.url);
const INDEX = 'questions.md';
const pages = [INDEX, ...readdirSync(new URL('questions/', DOCS)).map((name) => `questions/${name}`)].map((name) => ({
  name,
  text: readFileSync(new URL(name, DOCS), 'utf8'),
}));
const ajv = new Ajv2020({ strict: false, allErrors: true });
const NOW_MS = Date.parse('2026-05-04T12:00:00Z');

interface Block {
  label: string;
  text: string;
  /** As `T9`. */
  rule: string;
  /** The project that holds the events which an example here is asked of. */
  project: string;
}

/** The fenced blocks of a page, each with the rule above it. */
function blocksOf(page: { name: string; text: string }): Block[] {
  const found: Block[] = [];
  let rule = '';
  let project = 'docs';
  for (const [, name, label = '', text = ''] of page.text.matchAll(/^\*\*([A-Z]\d+)\.|^```(?:nd)?json ([\w/]+)\n([\s\S]*?)^```/gm)) {
    if (name !== undefined) rule = name;
    else {
      if (label === 'more') project = `docs ${page.name} ${found.length}`;
      found.push({ label, text, rule, project });
    }
  }
  return found;
}

const all = pages.map((page) => ({ page: page.name, blocks: blocksOf(page) }));
const isEvents = ({ label }: Block): boolean => label === 'events' || label === 'more';
const examples = all.flatMap(({ page, blocks }) => {
  const asked = blocks.filter((block) => !isEvents(block));
  return asked.flatMap((question, i) => {
    const answer = asked[i + 1];
    return ['answer', 'problem'].includes(question.label) || answer === undefined ? [] : [{ page, question, answer }];
  });
});

const rules = pages.flatMap(({ text }) => [...text.matchAll(/^\*\*([A-Z]\d+)\.(.*)/gm)].map(([, rule = '', words = '']) => ({ rule, words })));

/** Rules without an example here, and where they are run: in tests that name them. */
const RULES_ELSEWHERE: Readonly<Record<string, string>> = {
  I3: 'tests/e2e/timeline.test.ts',
  I5: 'apps/api/src/identities/identities.test.ts',
  I7: 'packages/analytics/src/identity/identity.test.ts',
  I8: 'apps/api/src/identities/identities.test.ts',
  I9: 'tests/converge/converge.test.ts',
  K7: 'packages/analytics/src/people/people.test.ts',
  V1: 'apps/api/src/routes/questions.test.ts',
  V2: 'apps/api/src/routes/questions.test.ts',
  V3: 'apps/api/src/routes/questions.test.ts',
  V4: 'apps/api/src/routes/questions.test.ts',
  V5: 'tests/cache/answer-cache.test.ts',
  V6: 'packages/analytics/src/cache/ask-cached.test.ts',
  V7: 'apps/api/src/routes/answer-cache.test.ts',
  Z4: 'tests/e2e/sql.test.ts',
  Z8: 'tests/e2e/sql.test.ts',
  L1: 'tests/e2e/timeline.test.ts',
  L2: 'tests/e2e/export.test.ts',
};

/** Options without an example here, and where they are run. */
const OPTIONS_ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  // All days are drawn there.
  'packages/analytics/src/time/buckets.test.ts': ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'].map((day) => `weekStart=${day}`),
  // A file is an answer of HTTP only.
  'tests/e2e/sql.test.ts': ['sql format', ...['csv', 'ndjson', 'parquet'].map((format) => `sql format=${format}`)],
  // Drawn there.
  'packages/analytics/src/kinds/attribution/attribution.test.ts': ['last_touch', 'last_non_direct', 'linear', 'position_based', 'time_decay'].map((model) => `attribution cell.model=${model}`),
  // A label of what no answer names (Q4): there is nothing to show.
  'packages/analytics/src/docs.test.ts': [
    'funnel exclude[].label', 'retention start.label', 'retention return.label', 'paths after.label', 'paths before.label', 'paths between[].label',
    'attribution conversion.label', 'attribution touch.label', 'cohort all[].sequence[].label', 'experiment exposure.label',
  ],
};

/** What means the same in every kind. */
const SHARED = /^(?:(?:from|to|range|timezone|weekStart|waitFor|cache|pageSize|cursor)\b|granularity=|cell\.breakdown\[\])/;
/** What only those who ask for people say. */
const OF_PEOPLE = /^(cell|pageSize|cursor)\b/;

/** An option as it is told from others: of its kind, unless it means the same in all; of a condition, wherever that stands. */
function optionOf(kind: string, said: string): string {
  const text = said.replaceAll('.any[]', '');
  const ofCondition = /(?:where\[\]\.|^all\[\]\.(?!any))(any$|property|op\b.*|value)/.exec(text)?.[1];
  return ofCondition ?? (SHARED.test(text) ? text : `${kind} ${text}`);
}

/** Whether an answer is as its kind describes it, with no field that it doesn't name; the same schemas make the API's description. */
function shapeOf(kindName: string, part: string | undefined): { isOf: (answer: unknown) => boolean; errors: () => unknown } {
  const kind = KINDS.find(({ name }) => name === kindName)!;
  const { properties } = part === 'people' ? PeopleAnswer : (kind.answer as TObject);
  const isOf = ajv.compile(exactly(Type.Object({ ...properties, meta: Meta })) as object);
  return { isOf, errors: () => isOf.errors };
}

interface Context {
  channel?: string;
  page?: { path?: string };
  campaign?: { source?: string; medium?: string; name?: string };
  geo?: { country?: string };
  device?: { type?: string };
}

function eventsIn({ text }: Block, project: string): ReturnType<typeof storedEvent>[] {
  const lines = text.trim().split('\n').map((line) => JSON.parse(line) as EventSketch & { timestamp: string });
  return lines.map(({ timestamp, ...event }) => storedEvent({ project, userId: '', ...columnsOf(event.context ?? {}), ...event, timeMs: Date.parse(timestamp) }));
}

/** What an event's columns have of its context once it has come in. */
function columnsOf({ channel = '', page, campaign, geo, device }: Context): EventSketch {
  return {
    channel, pagePath: page?.path ?? '', country: geo?.country ?? '', deviceType: device?.type ?? '',
    campaignSource: campaign?.source ?? '', campaignMedium: campaign?.medium ?? '', campaignName: campaign?.name ?? '',
  };
}

/** The one cohort that is saved. */
const cohort: CohortLookup = async (_, name) => (name === 'buyers' ? { question: { all: [{ did: 'purchase' }] } } : undefined);

let store: TestStore;
let identities: WarehouseIdentities;
beforeAll(async () => {
  store = await openTestStore({ sql: {} });
  identities = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => [] });
  const held = all.flatMap(({ blocks }) => blocks).filter(isEvents);
  const [twelve] = held;
  if (twelve?.label !== 'events') throw new Error(`${INDEX} has no events`);
  for (const block of held) {
    const more = block.label === 'more' ? eventsIn(block, block.project) : [];
    await store.add([...eventsIn(twelve, block.project), ...more]);
  }
});
afterAll(() => store.close());

describe('docs/questions', () => {
  it('has an answer or a problem for every example, and examples of every section and kind', () => {
    const blocks = all.flatMap((page) => page.blocks).filter((block) => !isEvents(block));
    expect(examples.length * 2).toBe(blocks.length);
    const sections = examples.filter(({ page }) => page === INDEX).map(({ question }) => question.rule[0]);
    expect(new Set(sections)).toEqual(new Set(['Q', 'P', 'W', 'B', 'I']));
    for (const { name } of KINDS) {
      const own = examples.filter(({ page, question, answer }) => page === `questions/${name}.md` && question.label === name && answer.label === 'answer');
      expect(own.length, name).toBeGreaterThan(0);
    }
  });

  it('names each rule once, and each page in the index', () => {
    const names = rules.map(({ rule }) => rule);
    expect(names.filter((rule, i) => names.indexOf(rule) !== i)).toEqual([]);
    for (const { name } of pages.slice(1)) expect(pages[0]?.text).toContain(`](${name})`);
  });

  it('has an example of every rule, but of those that are run elsewhere', () => {
    const shown = new Set(examples.map(({ question }) => question.rule));
    expect(rules.map(({ rule }) => rule).filter((rule) => !shown.has(rule))).toEqual(Object.keys(RULES_ELSEWHERE));
    for (const path of Object.keys(OPTIONS_ELSEWHERE)) expect(existsSync(new URL(`../${path}`, DOCS)), path).toBe(true);
    for (const [rule, path] of Object.entries(RULES_ELSEWHERE)) {
      const inName = new RegExp(`^\\s*(?:(?:it|test|describe)\\b[^'\n]*|\\]\\)\\()?'.*\\b${rule}\\b.*',`, 'm');
      expect(inName.test(readFileSync(new URL(`../${path}`, DOCS), 'utf8')), `${rule} in the name of a test in ${path}`).toBe(true);
    }
  });

  it('has an answered example of every option of every kind and cell, and of every value that an option may have', () => {
    const said = examples.filter(({ answer }) => answer.label === 'answer').flatMap(({ question }) => {
      const [kind = '', part] = question.label.split('/');
      // Who asks for people asks a question, too, but its answer is not shown.
      return saidIn(JSON.parse(question.text)).filter((text) => (part === 'people') === OF_PEOPLE.test(text)).map((text) => optionOf(kind, text));
    });
    const known = KINDS.flatMap((kind) => {
      const schemas = [kind.question, peopleQuestion(kind) ?? {}, ...(kind.name === 'cohort' ? [StaticCohort] : [])];
      return schemas.flatMap((schema) => optionsOf(schema)).map((text) => optionOf(kind.name, text));
    });
    const has = new Set(said);
    expect([...new Set(known)].filter((option) => !has.has(option)).toSorted()).toEqual(Object.values(OPTIONS_ELSEWHERE).flat().toSorted());
  });

  it('has an example of every property of sessions, and of every kind of property', () => {
    const named = examples.filter(({ answer }) => answer.label === 'answer').map(({ question }) => question.text).join('\n');
    const promised = rules.find(({ rule }) => rule === 'P6')!.words.match(/session\.\w+/g) ?? [];
    expect(promised.length).toBeGreaterThan(10);
    for (const property of [...promised, 'properties.', 'context.', 'person.', 'group.', 'traits.', 'cohort.']) expect(named).toContain(`"${property}`);
  });

  for (const { page, question, answer } of examples) {
    it(`${page} is true in the example of ${question.rule}: ${question.text.trim().slice(0, 80)}`, async () => {
      const [kind = '', part] = question.label.split('/');
      const context = { ...store.context(question.project, NOW_MS), identities, cohort };
      if (part === 'static') {
        const cohorts = new StaticCohorts({ warehouse: store.warehouse, inUse: async () => [], onError: (error) => expect(error).toBeUndefined() });
        expect(await cohorts.save(validate(StaticCohort, JSON.parse(question.text)), context, async (members) => members)).toMatchObject(JSON.parse(answer.text) as object);
        return;
      }
      const asked = (part === 'people' ? askPeople : ask)(kind, JSON.parse(question.text), context);
      const expected = JSON.parse(answer.text) as object;
      if (answer.label === 'answer') {
        const found = await asked;
        expect(found).toMatchObject(expected);
        const { isOf, errors } = shapeOf(kind, part);
        expect(isOf(JSON.parse(JSON.stringify(found))), JSON.stringify(errors())).toBe(true);
        return;
      }
      const error: unknown = await asked.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(QuestionError);
      expect((error as QuestionError).problems[0]).toMatchObject(expected);
    });
  }

  it('explains every code', () => {
    const text = pages.map((page) => page.text).join('\n');
    for (const code of PROBLEM_CODES) expect(text).toContain(`\`${code}\``);
  });
});
