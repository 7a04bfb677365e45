import { readFileSync } from 'node:fs';
import { PROBLEM_CODES } from '@tidemark/analytics';
import { expect, it } from 'vitest';
import { Problem, PROBLEMS, shownFault } from './problem.ts';
import type { ProblemCode } from './problem.ts';

const codes = Object.keys(PROBLEMS) as ProblemCode[];

it('docs/api.md explains each code under a heading of its name, with its status, and no other', () => {
  const docs = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');
  const explained = [...docs.matchAll(/^#### (\w+)\n(\d+)\. \S/gm)].map(([, code, status]) => `${status} ${code}`);
  expect(explained.toSorted()).toEqual(codes.map((code) => `${PROBLEMS[code].status} ${code}`).toSorted());
});

it('questions have an error of their own for each way in which they are refused', () => {
  for (const code of PROBLEM_CODES) expect(PROBLEMS[code].status, code).toBeLessThan(500);
});

it('codes are snake_case, and titles are sentences', () => {
  for (const code of codes) {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(PROBLEMS[code].title).toMatch(/^[A-Z].*\.$/);
  }
});

it('a document carries the first fault on top and all of them beside it', () => {
  const faults = [
    { field: 'limit', code: 'invalid_value', value: 0, rule: 'must be >= 1', detail: 'More.' },
    { field: 'form', code: 'unknown_field', detail: 'No `form`.' },
  ];
  expect(new Problem('invalid_value', 'More.', { faults }).toDocument()).toEqual({
    type: 'docs/api.md#invalid_value',
    title: PROBLEMS.invalid_value.title,
    status: 400,
    code: 'invalid_value',
    detail: 'More.',
    documentation: 'docs/api.md#invalid_value',
    field: 'limit',
    value: 0,
    rule: 'must be >= 1',
    errors: faults,
  });
});

it('shows values cut, and never half a character', () => {
  const fault = { field: 'x', code: 'invalid_value', detail: '' };
  expect(shownFault({ ...fault, value: 'short' }).value).toBe('short');
  const cut = shownFault({ ...fault, value: '😀'.repeat(5_000) }).value as string;
  expect(cut.length).toBeLessThanOrEqual(201);
  expect(cut.isWellFormed()).toBe(true);
  expect(shownFault({ ...fault, value: { deep: 'x'.repeat(9_000) } }).value).toHaveLength(201);
});
