import fc from 'fast-check';
import { toDecimal, toNumber } from '@tidemark/model';
import { arrayLiteral } from '@tidemark/warehouse';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aggregateSql } from './aggregate.ts';
import { averageOf, exactSum, hugeSum, sumOf } from './decimal.ts';
import { openTestStore, type TestStore } from '../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

async function summed(numbers: readonly number[]): Promise<{ sum: number; average: number }> {
  const { rows } = await store.warehouse.query<{ plain: string; huge: number }>(
    `SELECT ${aggregateSql(exactSum('x'))} AS plain, ${aggregateSql(hugeSum('x'))} AS huge FROM (SELECT CAST(arrayJoin(${arrayLiteral(numbers, 'Float64')}), 'Nullable(Float64)') AS x)`,
  );
  const { plain = '', huge = 0 } = rows[0] ?? {};
  return { sum: sumOf(plain, Number(huge)), average: averageOf(plain, Number(huge), numbers.length) };
}

it('sums and averages are those of the decimals that the numbers are written as (rule T5)', async () => {
  const number = fc.oneof(
    fc.integer({ min: -1_000_000, max: 1_000_000 }).map((cents) => cents / 100),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e49, max: 1e49 }),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1, max: 1 }),
    fc.constantFrom(1e16, -1e16, 0.1, 1e-19, 1e-20, 1e-21, 5e-324, 9.99e49),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(number, { minLength: 1, maxLength: 30 }), async (numbers) => {
      const exact = numbers.reduce((total, value) => total + toDecimal(value), 0n);
      expect(await summed(numbers)).toEqual({ sum: toNumber(exact), average: toNumber(exact, numbers.length) });
    }),
    { numRuns: 150, interruptAfterTimeLimit: 30_000 },
  );
});

it('do not depend on the order, nor break where no decimal reaches', async () => {
  expect((await summed([1e16, 1, -1e16])).sum).toBe(1);
  expect((await summed([0.1, 0.2])).sum).toBe(0.3);
  expect((await summed([1e300, 1, -1e300])).sum).toBe(1);
  expect((await summed([1e308, 1e308])).sum).toBe(Number.MAX_VALUE);
  expect((await summed([1e308, 1e308, -1e308])).sum).toBe((await summed([1e308, -1e308, 1e308])).sum);
});
