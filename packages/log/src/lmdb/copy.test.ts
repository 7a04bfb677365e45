/** Copies of a log: what they hold, and that they go on under an epoch of their own. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { frames, readAll } from '../contract.ts';
import { continueFrom, epochAt } from '../epochs.ts';
import { adoptCopy, copyLog } from './copy.ts';
import { LmdbLogReader } from './reader.ts';
import { LmdbLogWriter } from './writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-log-copy-'));
afterAll(() => rmSync(folder, { recursive: true }));

const receipt = (received: number) => ({ project: 'p', source: 's', minuteMs: 0, received });

async function writeTo(path: string, ...records: string[]): Promise<LmdbLogWriter> {
  const writer = await LmdbLogWriter.open(path);
  for (const record of records) await writer.append([frames('events', [record])], [receipt(1)], writer.stamp());
  return writer;
}

it('a copy is of one instant, made beside the writer, and leaves the original as it was', async () => {
  const [path, target] = [join(folder, 'original'), join(folder, 'copy')];
  const writer = await writeTo(path, 'a', 'b');
  const appending = Promise.all(['c', 'd', 'e'].map((each) => writer.append([frames('events', [each])], [receipt(1)], writer.stamp())));
  const ends = await copyLog(path, target);
  await appending;
  await writer.close();
  const copy = LmdbLogReader.open(target)!;
  const held = readAll(copy, 'events');
  expect(held.length).toBe(ends.events);
  expect(held.slice(0, 2)).toEqual([[0, 'a'], [1, 'b']]);
  expect(copy.snapshot(0).received).toEqual([{ project: 'p', source: 's', received: ends.events }]);
  await copy.close();
  expect(await adoptCopy(path, [{ topic: 'events', epoch: writer.epoch, offset: 5 }], 0)).toBe('unchanged');
});

it('a copy that is put back goes on under a new epoch, once; its records keep the old one', async () => {
  const [path, target] = [join(folder, 'lived-on'), join(folder, 'put-back')];
  const original = await writeTo(path, 'a', 'b', 'c');
  await copyLog(path, target);
  await original.close();

  expect(await adoptCopy(target, [], 7)).toBe('restored');
  expect(await adoptCopy(target, [], 8)).toBe('unchanged');
  const writer = await writeTo(target, 'd');
  const reader = LmdbLogReader.open(target)!;
  expect(writer.epoch).not.toBe(original.epoch);
  expect(reader.epochs).toEqual(writer.epochs);
  expect(reader.epochs[1]).toMatchObject({ because: 'restored', from: { events: 3, quarantine: 0 }, received: [{ project: 'p', source: 's', received: 3 }] });
  expect(readAll(reader, 'events').map(([offset]) => epochAt(reader.epochs, 'events', offset).name)).toEqual([
    original.epoch, original.epoch, original.epoch, writer.epoch,
  ]);
  expect(epochAt(reader.epochs, 'events', 0).end).toBe(3);
  // A consumer that was further in the original has done all that the copy has of it, and nothing of what came since.
  const from = (epoch: string, offset: number) => continueFrom(reader.epochs, 'events', { epoch, offset, metadata: '' });
  expect([from(original.epoch, 2), from(original.epoch, 9), from(writer.epoch, 4), from('another', 2)]).toEqual([2, 3, 4, undefined]);
  await reader.close();
  await writer.close();
});

it('a log that ends before what was done of it must be an old copy, marked or not', async () => {
  const [path, target] = [join(folder, 'ahead'), join(folder, 'behind')];
  await (await writeTo(path, 'a', 'b')).close();
  cpSync(path, target, { recursive: true });
  const { epoch } = await writeTo(path, 'c');
  expect(await adoptCopy(target, [{ topic: 'events', epoch: 'another', offset: 3 }], 0)).toBe('unchanged');
  expect(await adoptCopy(target, [{ topic: 'events', epoch, offset: 2 }], 0)).toBe('unchanged');
  expect(await adoptCopy(target, [{ topic: 'events', epoch, offset: 3 }], 0)).toBe('fell_back');
});
