/** docs/operating.md lists what an operator meets; each of its lists is held against the source of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountingCheck, cohortMembers, idExpiry, lakeCompaction, quarantineExpiry, retention, Rollups } from '@tidemark/jobs';
import { CATALOGUE, createMetrics } from '@tidemark/metrics';
import { describe, expect, it } from 'vitest';
import { ROOT, readWorkspaces } from './sources.ts';

const text = readFileSync(join(ROOT, 'docs/operating.md'), 'utf8');
/** The cells of every table row; a `|` inside a cell would have to be escaped, and none is. */
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

const serverSources = readWorkspaces()
  .filter(({ folder }) => folder === 'apps/server')
  .flatMap(({ files }) => files)
  // The stand-in is a process of the tests.
  .filter(({ path, isTest }) => !isTest && !path.endsWith('stand-in-process.ts'))
  .map(({ path }) => readFileSync(join(ROOT, path), 'utf8'))
  .join('\n');

function captures(pattern: RegExp, source: string): string[] {
  return [...new Set([...source.matchAll(pattern)].map(([, name = '']) => name))].toSorted();
}

describe('the list of metrics', () => {
  const listed = rows.filter(([name = '']) => /^`tidemark_[a-z_]+\{/.test(name));

  it('names every metric of the catalogue with its labels, once, and no other', () => {
    const names = listed.map(([name = '']) => name.slice(1, -1));
    const known = Object.entries(CATALOGUE).map(([name, { labels }]) => `${name}{${labels.join(',')}}`);
    expect(names.toSorted()).toEqual(known.toSorted());
  });

  it('names what a process tells of itself', async () => {
    const told = [...(await createMetrics({ role: 'engine', withProcess: true }).text()).matchAll(/^# HELP (tidemark_(?:process|nodejs)_\w+)/gm)].map(([, name]) => name!);
    expect(told.length).toBeGreaterThan(20);
    const named = rows.flatMap(([names = '']) => [...names.matchAll(/`(tidemark_(?:process|nodejs)_\w+)`/g)].map(([, name]) => name!));
    expect(named.toSorted()).toEqual(told.toSorted());
  });

  it('says of each what it is and what to do when it moves', () => {
    const tables = [...listed, ...rows.filter(([name = '']) => /^`tidemark_(process|nodejs)_/.test(name))];
    expect(tables.filter((cells) => cells.length !== 3 || cells.includes(''))).toEqual([]);
  });
});

it('the list of refused starts names every code', () => {
  const requirements = readFileSync(join(ROOT, 'bin/requirements.mjs'), 'utf8');
  const known = [
    ...captures(/new StartProblem\(\s*(?:\w+ \? )?'([a-z_]+)'/g, serverSources),
    ...captures(/new StartProblem\(\w+ \? '[a-z_]+' : '([a-z_]+)'/g, serverSources),
    ...captures(/code: '([a-z_]+)'/g, requirements),
  ];
  expect(known.length).toBeGreaterThan(15);
  const listed = rows.flatMap(([, code = '']) => /^`([a-z_]+)`$/.exec(code)?.[1] ?? []);
  expect(known.filter((code) => !listed.includes(code))).toEqual([]);
});

it('the environment is told in full', () => {
  const variables = captures(/\b(TIDEMARK_[A-Z_]+)\b/g, serverSources);
  expect(variables).toContain('TIDEMARK_PORT');
  expect(variables.filter((name) => !text.includes(`\`${name}`))).toEqual([]);
});

it('the list of jobs says how often each runs', () => {
  const none = {} as never;
  const jobs = [accountingCheck(none), lakeCompaction(none, none), new Rollups(none).job, retention(none), quarantineExpiry(none), cohortMembers(none), idExpiry(none)];
  const told = rows.flatMap(([name = '', every = '']) => {
    const interval = /^(\d+) (minute|hour)s?$/.exec(every);
    return interval ? [[name, Number(interval[1]) * (interval[2] === 'hour' ? 3_600_000 : 60_000)]] : [];
  });
  expect(told).toEqual(jobs.map(({ name, everyMs }) => [`\`${name}\``, everyMs]));
});
