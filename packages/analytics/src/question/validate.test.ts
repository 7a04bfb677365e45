import { describe, expect, it } from 'vitest';
import { kindOf } from '../kinds.ts';
import type { Problem } from './problem.ts';
import { QuestionError } from './problem.ts';
import { validate } from './validate.ts';

function problemOf(kind: string, question: object): Problem {
  try {
    validate(kindOf(kind).question, question);
  } catch (error) {
    if (error instanceof QuestionError) return error.problems[0];
    throw error;
  }
  throw new Error('It has the shape of a question.');
}

const named = (n: number): string[] => Array.from({ length: n }, (_, i) => `properties.p${i}`);
const where = (value: unknown, op = 'in') => ({ series: [{}], where: [{ property: 'properties.a', op, value }] });
const within = (value: unknown) => ({ series: [{}], where: [{ any: [{ property: 'properties.a', op: 'in', value }] }] });

describe('a question beyond a limit', () => {
  it.each<[kind: string, question: object, field: string, detail: string]>([
    ['trend', where([]), 'where[0].value', 'where[0].value has no entries; give 1 to 1,000.'],
    ['trend', where(named(1_001), 'not_in'), 'where[0].value', 'where[0].value has 1,001 entries; give 1 to 1,000.'],
    ['trend', within([]), 'where[0].any[0].value', 'where[0].any[0].value has no entries; give 1 to 1,000.'],
    ['cohort', { all: [{ property: 'person.plan', op: 'in', value: [] }] }, 'all[0].value', 'all[0].value has no entries; give 1 to 1,000.'],
    ['trend', where('é'.repeat(10_001), '='), 'where[0].value', 'where[0].value has 10,001 characters; give at most 10,000.'],
    ['trend', where(['a', '\u{1f600}'.repeat(10_001)]), 'where[0].value[1]', 'where[0].value[1] has 10,001 characters; give at most 10,000.'],
    ['trend', { series: [{ event: '' }] }, 'series[0].event', 'series[0].event has no characters; give 1 to 200.'],
    ['trend', { series: [{ event: [] }] }, 'series[0].event', 'series[0].event has no entries; give 1 to 50.'],
    ['trend', { series: [{}], breakdown: named(4) }, 'breakdown', 'breakdown has 4 entries; give at most 3.'],
    ['trend', { series: [{}], breakdown: ['userId', 'source', 'userId'] }, 'breakdown', 'breakdown has "userId" twice (entries 0 and 2); leave one out.'],
    ['funnel', { steps: [{}, {}], hold: ['userId', 'userId'] }, 'hold', 'hold has "userId" twice (entries 0 and 1); leave one out.'],
    ['attribution', { conversion: {}, models: ['linear', 'first_touch', 'linear'] }, 'models', 'models has "linear" twice (entries 0 and 2); leave one out.'],
    ['trend', { series: [{}], limit: 0 }, 'limit', 'limit is 0; give 1 to 100.'],
    ['trend', { series: [{}], limit: 101 }, 'limit', 'limit is 101; give 1 to 100.'],
    ['paths', { after: {}, steps: 21 }, 'steps', 'steps is 21; give 2 to 20.'],
    ['paths', { between: [{}] }, 'between', 'between has 1 entry; give just 2.'],
    ['experiment', { exposure: {}, metrics: [{}], minimumEffect: 0 }, 'minimumEffect', 'minimumEffect is 0; give more than 0 and at most 100.'],
    ['experiment', { exposure: {}, metrics: [{}], split: { a: -1 } }, 'split.a', 'split.a is -1; give 0 to 1.'],
    ['cohort', { all: [] }, 'all', 'all has no entries; give 1 to 20.'],
  ])('is told what it has and what it may have: %s, %#', (kind, question, field, detail) => {
    expect(problemOf(kind, question)).toMatchObject({ code: 'invalid_value', field, detail });
  });

  it('is told where more values can stand', () => {
    expect(problemOf('trend', where(named(1_001))).rule).toContain('several conditions');
  });

  it('is told what may stand in a list, where a value has no type that may', () => {
    expect(problemOf('trend', where(['a', null]))).toMatchObject({
      code: 'invalid_value', field: 'where[0].value[1]', detail: 'where[0].value[1] must be a text, a number, true or false (what is not set is asked for by op is_not_set).',
    });
  });

  it('is told of lists where a value is none, and of the whole where no branch is meant', () => {
    expect(problemOf('trend', where(null))).toMatchObject({ code: 'invalid_value', field: 'where[0].value', detail: expect.stringContaining('a list of 1 to 1,000') });
    expect(problemOf('trend', { series: [{ event: 5 }] })).toMatchObject({ field: 'series[0].event', detail: 'series[0].event must be the name of an event, or a list of up to 50 names.' });
  });
});
