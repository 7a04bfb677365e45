/** A spool against what waits: whatever comes and goes, and whenever the process is gone, the next client finds it; the file stays bounded. */
import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { QueuedEvent } from '@tidemark/sdk-core';
import { createSpoolJournal } from './spool-journal.ts';
import type { SpoolJournal } from './spool-journal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-spool-'));
});
afterEach(async () => {
  await Promise.all(begun.splice(0).map((journal) => journal.close()));
  rmSync(folder, { recursive: true });
});

/** Each life has the pid of a process that is gone. */
let pid = 2 ** 22 + 1;
let life = 0;
/** Ended without a word while a test runs; their files are closed behind it. */
const begun: SpoolJournal[] = [];
const begin = (slackBytes = 1_000_000): SpoolJournal => {
  const journal = createSpoolJournal({ folder, writeKey: 'k', instanceId: `${life++}`, pid: pid++, slackBytes });
  begun.push(journal);
  return journal;
};
const eventOf = (eventId: string, length = 10): QueuedEvent => ({ eventId, text: 'x'.repeat(length), bytes: length });
const sizes = (): number => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

it('keeps its file bounded while events come and go without an end, and holds just what waits', async () => {
  const journal = begin(100_000);
  await journal.load();
  let most = 0;
  let waiting: QueuedEvent[] = [];
  for (let round = 0; round < 400; round++) {
    const batch = Array.from({ length: 20 }, (_, n) => eventOf(`${round}-${n}`, 1_000));
    await Promise.all(batch.map((event) => journal.add(event)));
    await journal.remove(waiting.map(({ eventId }) => eventId));
    waiting = batch;
    most = Math.max(most, sizes());
  }
  // 8 MB went through; twice the two batches that wait at most, the slack, one write and a file beside.
  expect(most).toBeLessThan(100_000 + 2 * 40_000 + 30_000 + 50_000);
  expect(await begin().load()).toEqual(waiting);
});

it('finds what waited in random lives, each ended without a word', async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ add: fc.nat(6), length: fc.constantFrom(1, 300) }) },
    { weight: 4, arbitrary: fc.record({ remove: fc.array(fc.nat(6), { minLength: 1, maxLength: 5 }) }) },
    { weight: 2, arbitrary: fc.constant('wait' as const) },
    { weight: 1, arbitrary: fc.constantFrom('restart' as const, 'clear' as const, 'torn' as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 500, 5_000), async (steps, slackBytes) => {
      let journal = begin(slackBytes);
      await journal.load();
      const model = new Map<string, QueuedEvent>();
      let last: Promise<unknown> = Promise.resolve();
      for (const each of steps) {
        if (each === 'wait') await last;
        else if (each === 'clear') {
          model.clear();
          last = journal.clear();
          await last;
        } else if (each === 'restart' || each === 'torn') {
          await last;
          const file = readdirSync(folder)[0];
          if (each === 'torn' && file) appendFileSync(join(folder, file), '{"add":{"eventId":"torn","te');
          journal = begin(slackBytes);
          expect(sorted(await journal.load())).toEqual(sorted(model.values()));
        } else if ('add' in each) {
          const event = eventOf(String(each.add), each.length);
          model.set(event.eventId, event);
          last = journal.add(event);
        } else {
          for (const id of each.remove) model.delete(String(id));
          last = journal.remove(each.remove.map(String));
        }
      }
      await last;
      expect(sorted(await begin().load())).toEqual(sorted(model.values()));
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
      await Promise.all(begun.splice(0).map((each) => each.close()));
    }),
    { numRuns: Number(process.env['TIDEMARK_SPOOL_LIVES'] ?? 100) },
  );
});

it('passes over a file whose writing anew was cut off, and removes it', async () => {
  const journal = begin();
  await journal.add(eventOf('gone'));
  const [name] = readdirSync(folder);
  const cutOff = Buffer.concat([readFileSync(join(folder, name!)), Buffer.from('{"add":{"eve')]);
  await journal.add(eventOf('a'));
  await journal.remove(['gone']);
  writeFileSync(join(folder, `${name}.new`), cutOff);
  expect(await begin().load()).toEqual([eventOf('a')]);
  expect(readdirSync(folder)).toHaveLength(1);
});

it('leaves no file where nothing waits, and one to be taken over where something does', async () => {
  const journal = begin();
  await journal.add(eventOf('a'));
  await journal.remove(['a']);
  await journal.close();
  expect(readdirSync(folder)).toEqual([]);
  const other = begin();
  await other.add(eventOf('b'));
  await other.close();
  expect(await begin().load()).toEqual([eventOf('b')]);
});

const sorted = (events: Iterable<QueuedEvent>): QueuedEvent[] =>
  [...events].sort((a, b) => (a.eventId < b.eventId ? -1 : 1));
