import { expect, it } from 'vitest';
import { allEnded } from './all-ended.ts';

it('fails only when nothing is at work any more', async () => {
  let isDone = false;
  const slow = new Promise((resume) => setTimeout(resume, 20)).then(() => (isDone = true));
  await expect(allEnded([slow, Promise.reject(new Error('first'))])).rejects.toThrow('first');
  expect(isDone).toBe(true);
});
