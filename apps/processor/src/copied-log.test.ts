/**
 * The log is a copy that was put back, or is lost: what the stores hold is not stored again, what the log holds and the
 * stores do not is stored once, and what was received is accounted for.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { adoptCopy, copyLog, LmdbLogReader, LmdbLogWriter } from '@tidemark/log';
import type { ProcessorParts } from './processor.ts';
import { storedEvent, TestPipeline } from './testing.ts';

let pipeline: TestPipeline;
let elsewhere: string;
beforeEach(async () => {
  pipeline = new TestPipeline();
  elsewhere = mkdtempSync(join(tmpdir(), 'tidemark-copied-'));
  await pipeline.open();
});
afterEach(async () => {
  await pipeline.close();
  rmSync(elsewhere, { recursive: true });
});

const append = (...ids: string[]) => pipeline.append(ids.map((id) => storedEvent(id)));

/** A new processor until it has caught up, or has died at a crash point; resolves to the balance afterwards. */
async function run(options: Partial<ProcessorParts> = {}) {
  let dead = false;
  const processor = await pipeline.processor({ ...options, observer: { committed: () => {}, wrote: () => {}, failed: () => ((dead = true), void processor.stop()) } });
  processor.start();
  while (!dead && !(await processor.caughtUp(50))) continue;
  await processor.stop();
  return (await pipeline.processor()).balance();
}

/** Takes the log away and puts the one in `from` in its place, or none, as a start of the server finds it. */
async function replaceLog(from?: string): Promise<string> {
  const path = join(pipeline.folder, 'log');
  await pipeline.reader.close();
  await pipeline.writer.close();
  rmSync(path, { recursive: true });
  if (from !== undefined) cpSync(from, path, { recursive: true });
  const position = pipeline.positions.get('events', 0);
  const origin = await adoptCopy(path, position === undefined ? [] : [{ topic: 'events', ...position }], Date.now());
  pipeline.writer = await LmdbLogWriter.open(path);
  pipeline.reader = LmdbLogReader.open(path)!;
  return origin;
}

async function everywhere(): Promise<string[]> {
  const [events, timeline, lake] = [await pipeline.ids('events'), await pipeline.ids('timeline'), await pipeline.lakeIds()];
  expect(timeline).toEqual(events);
  expect(lake).toEqual(events);
  return events;
}

it('all of one moment put back: what was stored stays, what waited is stored, once each', async () => {
  await append('a', 'b');
  const before = await run();
  await append('c', 'a');
  await copyLog(join(pipeline.folder, 'log'), elsewhere);
  // What the original takes after the copy has the offsets that the copy will give to others.
  await append('lost');
  expect(await replaceLog(elsewhere)).toBe('restored');
  await append('d', 'b');
  expect(before).toMatchObject({ received: 2, stored: 2, difference: 0 });
  expect(await run()).toMatchObject({ received: 6, stored: 4, duplicate: 2, pending: 0, difference: 0 });
  expect(await everywhere()).toEqual(['a', 'b', 'c', 'd']);
});

it('a range that was begun before the copy is finished after it', async () => {
  await append('a', 'b', 'c');
  let applied = false;
  await run({
    crashPoint: (name) => {
      applied ||= name === 'applied';
      if (name === 'applied') throw new Error('died');
    },
  });
  expect(applied).toBe(true);
  await copyLog(join(pipeline.folder, 'log'), elsewhere);
  await replaceLog(elsewhere);
  await append('d');
  expect(await run()).toMatchObject({ received: 4, stored: 4, duplicate: 0, difference: 0 });
  expect(await everywhere()).toEqual(['a', 'b', 'c', 'd']);
});

it.each(['marked', 'plain'])('a log older than the stores (a %s copy): nothing is stored twice, nothing of it is lost', async (kind) => {
  await append('a', 'b');
  await run();
  await append('c');
  if (kind === 'marked') await copyLog(join(pipeline.folder, 'log'), elsewhere);
  else cpSync(join(pipeline.folder, 'log'), elsewhere, { recursive: true });
  await append('d', 'e', 'a');
  expect(await run()).toMatchObject({ received: 6, stored: 5, duplicate: 1, difference: 0 });
  expect(await replaceLog(elsewhere)).toBe(kind === 'marked' ? 'restored' : 'fell_back');
  // At offsets at which the stores hold d, e and a of the lost part.
  await append('f', 'g', 'd');
  expect(await run()).toMatchObject({ received: 9, stored: 7, duplicate: 2, pending: 0, difference: 0 });
  expect(await everywhere()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
});

it('log and positions older than the stores: nothing is stored twice', async () => {
  await append('a', 'b', 'c');
  await copyLog(join(pipeline.folder, 'log'), elsewhere);
  await append('d');
  await run();
  await pipeline.positions.set('events', 0, { epoch: pipeline.reader.epoch, offset: 0, metadata: '' });
  await replaceLog(elsewhere);
  await append('e', 'd');
  expect(await run()).toMatchObject({ stored: 5, duplicate: 1, pending: 0, difference: 0 });
  expect(await everywhere()).toEqual(['a', 'b', 'c', 'd', 'e']);
});

it('the positions are found again in the stores also under two epochs', async () => {
  await append('a', 'b');
  await run();
  await append('c');
  await copyLog(join(pipeline.folder, 'log'), elsewhere);
  await replaceLog(elsewhere);
  await pipeline.losePositions();
  expect(await run()).toMatchObject({ received: 3, stored: 3, duplicate: 0, difference: 0 });
  await append('d');
  await pipeline.losePositions();
  expect(await run()).toMatchObject({ received: 4, stored: 4, duplicate: 0, difference: 0 });
  expect(await everywhere()).toEqual(['a', 'b', 'c', 'd']);
});

it('a lost log: a new one begins, copies of what is stored stay copies, and the balance goes on', async () => {
  await append('a', 'b', 'a');
  await run();
  await append('acknowledged and gone');
  await replaceLog();
  await append('c', 'b');
  expect(await run()).toMatchObject({ received: 5, stored: 3, duplicate: 2, pending: 0, difference: 0 });
  expect(await everywhere()).toEqual(['a', 'b', 'c']);
});

it('work between two ranges finds all stores alike, while events go on coming', async () => {
  const processor = await pipeline.processor();
  processor.start();
  let sent = 0;
  const sending = (async () => {
    for (; sent < 60; sent++) await append(`e${sent}`);
  })();
  for (let round = 0; round < 8; round++) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    await processor.between(async () => {
      const held = await everywhere();
      expect(pipeline.positions.get('events', 0)?.offset ?? 0).toBe(held.length);
    });
  }
  await expect(processor.between(() => Promise.reject(new Error('told')))).rejects.toThrow('told');
  await sending;
  while (!(await processor.caughtUp(1_000))) continue;
  await processor.stop();
  expect((await everywhere()).length).toBe(60);
});
