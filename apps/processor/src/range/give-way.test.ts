import { expect, it } from 'vitest';
import { GiveWay } from './give-way.ts';
import { TestPipeline, storedEvent } from '../testing.ts';

/** Time that passes only where somebody works or waits. */
class Course {
  nowMs = 0;
  isAsked = true;
  waitedMs = 0;
  readonly way = new GiveWay({
    unaskedMs: () => (this.isAsked ? 0 : Infinity),
    monotonicMs: () => this.nowMs,
    pause: async (ms) => {
      this.nowMs += ms;
      this.waitedMs += ms;
    },
  });

  work(ms: number): () => Promise<void> {
    return async () => {
      this.nowMs += ms;
    };
  }
}

it('waits half as long as it works, however much is asked', async () => {
  const course = new Course();
  for (let i = 0; i < 100; i++) await course.way.step(course.work(100));
  expect(course.waitedMs).toBeGreaterThan(4_800);
  expect(course.waitedMs).toBeLessThan(5_200);
});

it('waits no longer than a second for a question that comes after a long time of work, and not where nobody asks', async () => {
  const course = new Course();
  course.isAsked = false;
  for (let i = 0; i < 100; i++) await course.way.step(course.work(1_000));
  expect(course.waitedMs).toBe(0);
  course.isAsked = true;
  await course.way.step(course.work(1));
  expect(course.waitedMs).toBeGreaterThan(900);
  expect(course.waitedMs).toBeLessThan(1_100);
});

it('works on as soon as nobody asks any more', async () => {
  let [nowMs, asked, pauses] = [0, 0, 0];
  const way = new GiveWay({
    unaskedMs: () => (asked > 0 ? 0 : 25),
    monotonicMs: () => nowMs,
    pause: async (ms) => {
      nowMs += ms;
      pauses++;
      asked--;
    },
  });
  await way.step(async () => {
    nowMs += 10_000;
  });
  asked = 3;
  await way.step(async () => {});
  expect([pauses, asked]).toEqual([3, 0]);
});

it('does steps at once where nobody asks, and one after another while somebody does; one that fails holds up no other', async () => {
  const run = async (isAsked: boolean): Promise<{ most: number; ends: string[] }> => {
    const way = new GiveWay({ unaskedMs: () => (isAsked ? 0 : Infinity), pause: async () => {} });
    let [atWork, most] = [0, 0];
    const step = (fails: boolean) => async (): Promise<void> => {
      most = Math.max(most, ++atWork);
      await new Promise((resume) => setImmediate(resume));
      atWork--;
      if (fails) throw new Error('full');
    };
    const ends = await way.steps([step(false), step(true), step(false)]);
    return { most, ends: ends.map(({ status }) => status) };
  };
  const ends = ['fulfilled', 'rejected', 'fulfilled'];
  expect(await run(false)).toEqual({ most: 3, ends });
  expect(await run(true)).toEqual({ most: 1, ends });
});

it('what comes in is stored while somebody asks without an end', async () => {
  const pipeline = new TestPipeline();
  await pipeline.open();
  pipeline.warehouse.unaskedMs = () => 0;
  const processor = await pipeline.processor();
  processor.start();
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    await pipeline.append([storedEvent(`e${i}`), storedEvent(`f${i}`)]);
    ids.push(`e${i}`, `f${i}`);
    expect(await processor.caughtUp(60_000)).toBe(true);
  }
  await processor.stop();
  for (const table of ['events', 'timeline'] as const) expect(await pipeline.ids(table)).toEqual(ids.toSorted());
  expect(await pipeline.lakeIds()).toEqual(ids.toSorted());
  await pipeline.close();
});
