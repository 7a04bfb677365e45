import { hash } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32 } from './crc32.ts';
import type { StoredEvent } from '../event.ts';
import { ShortMd5 } from './md5.ts';
import { memoryOf } from './row-bytes.ts';
import { dedupKey, PREFIX } from './row.ts';
import { RowWriter } from './row-writer.ts';

const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 80 }), fc.string({ minLength: 40, maxLength: 70 }), fc.constant('\ud800'));

test('the checksum is that of zlib, in one piece or in several', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, at) => {
      const cut = Math.min(at, bytes.length);
      const memory = memoryOf(Buffer.from(bytes));
      expect(crc32(memory, cut, bytes.length, crc32(memory, 0, cut, 0)) >>> 0).toBe(zlibCrc32(bytes));
    }),
  );
});

test('the digest is MD5, up to 55 bytes, and no other is given', () => {
  const md5 = new ShortMd5();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(70), (bytes, at) => {
      const cut = Math.min(at, bytes.length);
      md5.begin();
      const fits = md5.add(bytes, 0, cut) && md5.add(bytes, cut, bytes.length);
      expect(fits).toBe(bytes.length <= 55);
      if (!fits) return;
      const digest = Buffer.alloc(20, 7);
      md5.end(digest, 2);
      expect(digest.toString('hex', 2, 18)).toBe(hash('md5', bytes, 'hex'));
      expect([digest[1], digest[18]]).toEqual([7, 7]);
    }),
  );
});

// Both are kept for as long as ids are remembered: another definition would take every copy for a new event or a conflict.
test('the key and the content hash of a row are what they have always been', () => {
  const writer = new RowWriter(64);
  const fields = fc.record({ project: text, eventId: text, eventName: text, userId: text, anonymousId: text, properties: text, context: text });
  fc.assert(
    fc.property(fields, (given) => {
      const event = { ...given, type: 'page', flags: 0, bot: false, timeMs: 0, originalTimeMs: 0, receivedAtMs: 0, sequence: 0 } as unknown as StoredEvent;
      writer.write(event);
      const row = writer.drain();
      expect(row.subarray(PREFIX.key, PREFIX.key + 16)).toEqual(dedupKey(given.project, given.eventId));
      const said = `${given.eventName}\0${given.userId}\0${given.anonymousId}\0page\0${given.properties}`;
      expect(row.readUInt32LE(PREFIX.content)).toBe(zlibCrc32(said));
    }),
  );
});
