/**
 * An answer that was computed before is what would be computed now, or at most 10 s old, whatever was stored, decided, rolled up or
 * deleted since. `TIDEMARK_CACHE_RUNS=50` tries more histories; `TIDEMARK_SEED=…` the same again.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { beginning, questionsOf, steps, type Step } from './changes.ts';
import { Store } from './store.ts';

const RUNS = Number(process.env['TIDEMARK_CACHE_RUNS'] ?? 1);
const WAIT: Step = { change: { do: 'wait' }, afterMs: 0, asked: [] };

const store = new Store();
/** Places in `questionsOf` of answers that were older than 10 s. */
const older = new Set<number>();
beforeAll(() => store.open());
afterAll(() => store.close());

it('is what would be computed now, or at most 10 s old (rule V5)', async () => {
  await fc.assert(
    fc.asyncProperty(beginning, steps, fc.tuple(fc.nat(4), fc.nat(12), fc.nat(18)), async (events, taken, which) => {
      const history = await store.begin();
      for (const change of [{ do: 'cohort', event: 'view' }, { do: 'add', events }, { do: 'round' }] as const) await history.take(change);
      const before = new Map<string, object>();
      for (const { change, afterMs, asked } of [WAIT, { ...WAIT, afterMs: 60_000 }, ...taken]) {
        await history.take(change);
        store.nowMs += afterMs;
        for (const [at, i] of which.entries()) {
          if (asked[at] === false) continue;
          const [kind, question] = questionsOf(history.startMs)[i]!;
          const { answer, cached, asOfMs } = await history.ask(kind, question);
          if (!cached) before.set(`${i} ${asOfMs}`, answer);
          else if (store.nowMs - asOfMs <= 10_000) expect(answer).toEqual(before.get(`${i} ${asOfMs}`));
          else {
            older.add(i);
            expect(answer, `${kind} ${JSON.stringify(question)} of ${store.nowMs - asOfMs} ms ago`).toEqual(await history.compute(kind, question));
          }
        }
      }
    }),
    // A step takes tenths of a second: to shrink what failed would take many minutes.
    { numRuns: RUNS, endOnFailure: true, ...(process.env['TIDEMARK_SEED'] === undefined ? {} : { seed: Number(process.env['TIDEMARK_SEED']) }) },
  );
  expect(older.size, 'questions that had answers older than 10 s').toBeGreaterThan(0);
  if (RUNS > 20) expect([...older].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
}, 180_000 + RUNS * 20_000);
