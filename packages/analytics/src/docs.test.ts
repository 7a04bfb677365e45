/**
 * docs/questions.md and the pages of docs/questions/ are true: each example is asked of the twelve events, or of these and
 * the `more` events above it on its page, and each code is explained.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Type, { type TObject } from 'typebox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './ask.ts';
import { KINDS } from './kinds.ts';
import type { CohortLookup } from './cohorts/saved-cohorts.ts';
import { askPeople, PeopleAnswer } from './people/people.ts';
import { PROBLEM_CODES, QuestionError } from './problem.ts';
import { Meta } from './schema.ts';
import { exactly } from './testing.ts';
import { WarehouseIdentities } from './identities.ts';
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

/** Whether an answer is as its kind describes it, with no field that it doesn't name; the same schemas make the API's description. */
function shapeOf(kindName: string, part: string | undefined): { isOf: (answer: unknown) => boolean; errors: () => unknown } {
  const kind = KINDS.find(({ name }) => name === kindName)!;
  const { properties } = part === 'people' ? PeopleAnswer : (kind.answer as TObject);
  const isOf = ajv.compile(exactly(Type.Object({ ...properties, meta: Meta })) as object);
  return { isOf, errors: () => isOf.errors };
}

function eventsIn({ text }: Block, project: string): ReturnType<typeof storedEvent>[] {
  const lines = text.trim().split('\n').map((line) => JSON.parse(line) as EventSketch & { timestamp: string });
  return lines.map(({ timestamp, ...event }) => storedEvent({ project, userId: '', ...event, timeMs: Date.parse(timestamp) }));
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
    const rules = pages.flatMap(({ text }) => [...text.matchAll(/^\*\*([A-Z]\d+)\./gm)].map(([, rule]) => rule));
    expect(rules.filter((rule, i) => rules.indexOf(rule) !== i)).toEqual([]);
    for (const { name } of pages.slice(1)) expect(pages[0]?.text).toContain(`](${name})`);
  });

  for (const { page, question, answer } of examples) {
    it(`${page} is true in the example of ${question.rule}: ${question.text.trim().slice(0, 80)}`, async () => {
      const [kind = '', part] = question.label.split('/');
      const asked = (part === 'people' ? askPeople : ask)(kind, JSON.parse(question.text), { ...store.context(question.project, NOW_MS), identities, cohort });
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
