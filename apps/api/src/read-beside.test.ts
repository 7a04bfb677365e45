import { expect, test } from 'vitest';
import { readBeside } from './read-beside.ts';

test('the first asker waits, and the first after a silence; all others are told what is known while it is read again, at most a fiftieth of the time', async () => {
  let nowMs = 0;
  let readings = 0;
  let end: (value: number) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const ask = readBeside(
    () =>
      new Promise<number>((resolve, reject) => {
        readings++;
        [end, fail] = [resolve, reject];
      }),
    () => nowMs,
  );
  const both = Promise.all([ask('shop'), ask('shop')]);
  nowMs = 2_000;
  end(1);
  expect(await both).toEqual([1, 1]);
  nowMs = 102_000;
  expect(await ask('shop')).toBe(1);
  expect(readings).toBe(1);
  nowMs = 102_001;
  expect([await ask('shop'), await ask('shop'), readings]).toEqual([1, 1, 2]);
  end(2);
  await Promise.resolve();
  await Promise.resolve();
  expect(await ask('shop')).toBe(2);

  nowMs += 100_000;
  await ask('shop');
  fail(new Error('away'));
  await new Promise((done) => setImmediate(done));
  expect(await ask('shop')).toBe(2);

  nowMs += 120_001;
  const afterSilence = ask('shop');
  end(4);
  expect(await afterSilence).toBe(4);

  nowMs += 240_001;
  const failsAfterSilence = ask('shop');
  fail(new Error('away'));
  expect(await failsAfterSilence).toBe(4);

  const first = ask('blog');
  fail(new Error('away'));
  await expect(first).rejects.toThrow('away');
  const second = ask('blog');
  end(3);
  expect(await second).toBe(3);
});
