import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { documentationOf, INGEST_ERRORS } from './errors.ts';
import type { IngestErrorCode } from './errors.ts';
import { LIMITS } from './limits.ts';

const protocol = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');
const [, chapter = ''] = protocol.split('## Codes of events and requests\n');
const sections = new Map(
  chapter
    .split('\n### ')
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
);
const codes = Object.keys(INGEST_ERRORS) as IngestErrorCode[];

test('docs/protocol.md explains every code under its own heading, in the words and with the status of the catalogue, and no others', () => {
  expect([...sections.keys()]).toEqual(codes);
  for (const code of codes) {
    const { summary, status } = INGEST_ERRORS[code];
    expect(sections.get(code)).toContain(`\n${summary} (${status}; `);
    expect(documentationOf(code)).toBe(`docs/protocol.md#${code}`);
  }
});

test('every rule that a code or another rule points to is there, once', () => {
  const rules = [...protocol.matchAll(/^\*\*([A-Z]\d+)\. /gm)].map(([, rule]) => rule);
  expect(new Set(rules).size).toBe(rules.length);
  const pointers = [...protocol.matchAll(/(?<=[(;,] )[ACENQTX]\d+(?=[,);])|(?<=\()[ACENQTX]\d+(?=[,)])/g)].map(
    ([rule]) => rule,
  );
  expect(pointers.length).toBeGreaterThan(codes.length);
  for (const rule of pointers) expect(rules).toContain(rule);
});

test('the limits that the documents name are those of the code', () => {
  for (const limit of [
    LIMITS.maxEventBytes,
    LIMITS.maxEventsPerBody,
    LIMITS.maxProperties,
    LIMITS.maxDepth,
    LIMITS.maxIdLength,
    LIMITS.maxEventIdLength,
  ]) {
    expect(protocol).toMatch(new RegExp(`\\b${limit.toLocaleString('en')}\\b`));
  }
});
