/** The benchmarks' oracle must be able to say no. */
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { differences, Ledger, type Counts } from '../../bench/oracle/counts.ts';
import { lakeRows } from '../../bench/oracle/lake-rows.ts';

function ledgerOf(accepted: number, acceptedRepeats: number, seededIds: number): Ledger {
  const ledger = new Ledger(seededIds);
  ledger.add({ accepted, acceptedRepeats });
  return ledger;
}

const balance = { received: 100, stored: 80, duplicate: 20, conflict: 20, quarantined: 0, filtered: 0, rejected: 0, pending: 0, difference: 0 };
const right: Counts = { queryable: 80, balance, events: 80, timeline: 80, ids: 1_080, lake: 80 };

it('is content when every store holds what is owed', () => {
  expect(differences(ledgerOf(100, 20, 1_000), right)).toEqual([]);
});

it.each([
  ['a question', { queryable: 79 }, /counted by a question: 79, should be 80/],
  ['the events', { events: 81 }, /table events: 81, should be 80/],
  ['the timeline', { timeline: 79 }, /table timeline: 79, should be 80/],
  ['the ids', { ids: 1_079 }, /event_ids: 1079, should be 1080/],
  ['the lake', { lake: 0 }, /lake: 0, should be 80/],
  ['the balance', { balance: { ...balance, duplicate: 19 } }, /balance\.duplicate: 19, should be 20/],
])('tells when %s alone is off by one', (_, wrong, sentence) => {
  const found = differences(ledgerOf(100, 20, 1_000), { ...right, ...wrong });
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(sentence);
});

it('counts the rows of the files that the lake still names, and no half line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-oracle-'));
  mkdirSync(join(folder, 'lake'));
  const lines = [{ add: [{ path: 'a', rows: 3 }, { path: 'b', rows: 4 }], remove: [] }, { add: [{ path: 'c', rows: 7 }], remove: ['a', 'b'] }];
  const text = lines.map((line) => `00000000 ${JSON.stringify(line)}\n`).join('');
  writeFileSync(join(folder, 'lake', 'manifest.ndjson'), `${text}00000000 {"add":[{"path":"d","ro`);
  expect(lakeRows(folder)).toBe(7);
  rmSync(folder, { recursive: true });
});
