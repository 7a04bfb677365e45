/** docs/questions.md is true: each of its examples is asked of its twelve events, and each code is explained. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './ask.ts';
import { PROBLEM_CODES, QuestionError } from './problem.ts';
import { WarehouseIdentities } from './identities.ts';
import { openTestStore, storedEvent, type TestStore } from './testing/store.ts';

const page = readFileSync(new URL('../../../docs/questions.md', import.meta.url), 'utf8');
const NOW_MS = Date.parse('2026-05-04T12:00:00Z');

interface Block {
  label: string;
  text: string;
  rule: string;
}

/** The fenced blocks of the page, each with the rule above it. */
function blocks(): Block[] {
  const found: Block[] = [];
  let rule = '';
  for (const [, name, label, text] of page.matchAll(/^\*\*([A-Z]\d+)\.|^```(?:nd)?json (\w+)\n([\s\S]*?)^```/gm)) {
    if (name !== undefined) rule = name;
    else found.push({ label: label ?? '', text: text ?? '', rule });
  }
  return found;
}

let store: TestStore;
let identities: WarehouseIdentities;
beforeAll(async () => {
  store = await openTestStore();
  identities = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => [] });
  const lines = (blocks().find(({ label }) => label === 'events')?.text ?? '').trim().split('\n');
  await store.add(
    lines.map((line) => {
      const { timestamp, ...event } = JSON.parse(line) as { timestamp: string };
      return storedEvent({ project: 'docs', userId: '', ...event, timeMs: Date.parse(timestamp) });
    }),
  );
});
afterAll(() => store.close());

describe('docs/questions.md', () => {
  const all = blocks().filter(({ label }) => label !== 'events');
  const examples = all.flatMap((question, i) => {
    const answer = all[i + 1];
    return ['answer', 'problem'].includes(question.label) || answer === undefined ? [] : [{ question, answer }];
  });

  it('has examples of every section', () => {
    expect(examples.length * 2).toBe(all.length);
    expect(new Set(examples.map(({ question }) => question.rule[0]))).toEqual(new Set(['Q', 'P', 'W', 'B', 'I', 'T', 'S', 'F']));
  });

  for (const { question, answer } of examples) {
    it(`is true in the example of ${question.rule}: ${question.text.trim().slice(0, 80)}`, async () => {
      const asked = ask(question.label, JSON.parse(question.text), { ...store.context('docs', NOW_MS), identities });
      const expected = JSON.parse(answer.text) as object;
      if (answer.label === 'answer') {
        expect(await asked).toMatchObject(expected);
        return;
      }
      const error: unknown = await asked.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(QuestionError);
      expect((error as QuestionError).problems[0]).toMatchObject(expected);
    });
  }

  it('explains every code', () => {
    for (const code of PROBLEM_CODES) expect(page).toContain(`\`${code}\``);
  });
});
