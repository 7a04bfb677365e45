import { expect, test } from 'vitest';
import { createHubCount } from './hub-count.ts';

test('a count is good for a minute, for its own project; one that fails is told and not kept', async () => {
  let nowMs = 0;
  const asked: string[] = [];
  const hubs: Record<string, number> = { shop: 1, blog: 2 };
  const hubCount = createHubCount(async (project) => {
    asked.push(project);
    const count = hubs[project];
    if (count === undefined) throw new Error(`${project} can't be counted`);
    return count;
  }, () => nowMs);

  expect(await Promise.all([hubCount('shop'), hubCount('shop'), hubCount('blog')])).toEqual([1, 1, 2]);
  hubs['shop'] = 3;
  nowMs = 59_999;
  expect(await hubCount('shop')).toBe(1);
  expect(asked).toEqual(['shop', 'blog']);
  nowMs = 60_000;
  expect(await hubCount('shop')).toBe(3);

  await expect(hubCount('late')).rejects.toThrow("late can't be counted");
  hubs['late'] = 4;
  expect(await hubCount('late')).toBe(4);
});
