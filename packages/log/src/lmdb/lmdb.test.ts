import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { frames, runLogContract, type LogUnderTest } from '../contract.ts';
import { BatchWriter, decodeBatch } from '../batch.ts';
import { LogCorrupt } from '../log.ts';
import { LmdbPositions } from './positions.ts';
import { LmdbLogReader } from './reader.ts';
import { LmdbLogWriter } from './writer.ts';

async function openIn(path: string): Promise<LogUnderTest> {
  const writer = await LmdbLogWriter.open(path);
  const reader = LmdbLogReader.open(path);
  if (reader === undefined) throw new Error('the writer has made the log, so it can be read');
  const closeBoth = async () => {
    await reader.close();
    await writer.close();
  };
  return {
    writer,
    reader,
    reopen: async () => {
      await closeBoth();
      return openIn(path);
    },
    close: async () => {
      await closeBoth();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

runLogContract({ name: 'lmdb', open: () => openIn(mkdtempSync(join(tmpdir(), 'tidemark-log-'))) });

it('keeps a consumer position with its metadata', async () => {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-positions-'));
  const positions = new LmdbPositions(path);
  expect(positions.get('events', 0)).toBeUndefined();
  await positions.set('events', 0, { epoch: 'e', offset: 7, metadata: '{"to":9}' });
  await positions.close();
  const again = new LmdbPositions(path, { readOnly: true });
  expect(again.get('events', 0)).toEqual({ epoch: 'e', offset: 7, metadata: '{"to":9}' });
  await again.close();
  rmSync(path, { recursive: true });
});

it('knows no position in a file that nothing was written to', async () => {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-positions-'));
  const { open } = createRequire(import.meta.url)('lmdb') as typeof import('lmdb');
  await open({ path, noSubdir: false }).close();
  const positions = new LmdbPositions(path, { readOnly: true });
  expect(positions.get('events', 0)).toBeUndefined();
  await positions.close();
  rmSync(path, { recursive: true });
});

it('tells its end again without copying the last batch, and drops what is old', async () => {
  const { writer, reader, close } = await openIn(mkdtempSync(join(tmpdir(), 'tidemark-log-')));
  for (let batch = 0; batch < 20; batch++) await writer.append([frames('events', ['x'.repeat(1_000_000)])], [], writer.stamp());
  expect(reader.endOffset('events', 0)).toBe(20);
  const before = process.memoryUsage().arrayBuffers;
  for (let look = 0; look < 100; look++) expect(reader.endOffset('events', 0)).toBe(20);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
  expect(await writer.drop('events', 0, 15, writer.stamp() + 1)).toBe(15);
  expect(reader.startOffset('events', 0)).toBe(15);
  await writer.append([frames('events', ['y', 'z'])], [], writer.stamp());
  expect(reader.endOffset('events', 0)).toBe(22);
  await close();
});

it('tells a flipped bit anywhere in a batch', () => {
  const writer = new BatchWriter();
  writer.add(frames('events', ['hello', 'world']).bytes, 2);
  const good = writer.finish(1234);
  expect(decodeBatch(good, 0, 'test').count).toBe(2);
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good);
    bad[at]! ^= 1;
    expect(() => decodeBatch(bad, 0, 'test'), `byte ${at}`).toThrow(LogCorrupt);
  }
});
