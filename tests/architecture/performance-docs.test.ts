/** docs/performance.md says what was measured and nothing else: its tables and chart follow from the published results. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CATALOGUE } from '../../bench/measures/catalogue.ts';
import { KNOBS, PLACES } from '../../bench/options.ts';
import { CHART, chartsOf, DOCUMENT, GROWTH_CHART } from '../../bench/report/publish.ts';
import { newestResults, readResults } from '../../bench/report/results.ts';
import { fillIn, performanceTables } from '../../bench/report/tables.ts';
import { ROOT } from './sources.ts';

const document = readFileSync(join(ROOT, DOCUMENT), 'utf8');
const published = newestResults(join(ROOT, 'bench/results'));
const results = published === undefined ? undefined : readResults(published);

it('the tables are those of the newest published results', () => {
  expect(fillIn(document, performanceTables(results)), 'run `npm run bench -- publish`').toBe(document);
});

it('the charts are drawn from the same results', () => {
  const charts = results === undefined ? {} : chartsOf(results);
  for (const path of [CHART, GROWTH_CHART]) {
    if (charts[path] === undefined) expect(document).not.toContain(path.replace('docs/', ''));
    else expect(existsSync(join(ROOT, path)) && readFileSync(join(ROOT, path), 'utf8')).toBe(charts[path]);
  }
});

it('says of each measure of the list how it is measured', () => {
  const explained = [...document.matchAll(/^\| (\w+) \| [^|]+\|[^|]*\|[^|]*\|$/gm)].map(([, id]) => id!);
  const known = Object.keys(CATALOGUE).filter((id) => !['R11a', 'R11b', 'curve', 'growth', 'profile', 'ab', 'door'].includes(id));
  expect(known.filter((id) => !explained.includes(id))).toEqual([]);
});

it('the list of knobs is whole', () => {
  const readme = readFileSync(join(ROOT, 'bench/README.md'), 'utf8');
  expect([...Object.keys(KNOBS), ...Object.keys(PLACES)].filter((name) => !readme.includes(`| \`${name}`))).toEqual([]);
});
