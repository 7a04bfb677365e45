import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Terminal } from '../command.ts';
import { CommandProblem } from '../command.ts';
import { importCommand } from '../commands/import.ts';
import { startBatchServer } from './batch-server.ts';
import type { BatchServer } from './batch-server.ts';
import { RowFault, parseMapping, toEvent } from './mapping.ts';
import { guessFormat, readRows } from './rows.ts';
import type { Format, SourceRow } from './rows.ts';

async function rowsOf(text: string | Buffer[], format: Format): Promise<SourceRow[]> {
  const chunks = typeof text === 'string' ? [Buffer.from(text)] : text;
  const rows: SourceRow[] = [];
  for await (const row of readRows(Readable.from(chunks, { objectMode: false }), format)) rows.push(row);
  return rows;
}

describe('rows', () => {
  it('of NDJSON are the same however the bytes come in pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' }), { noNullPrototype: true })),
        fc.array(fc.nat(64), { maxLength: 8 }),
        async (objects, cuts) => {
          const bytes = Buffer.from(objects.map((object) => JSON.stringify(object)).join('\n'));
          const pieces: Buffer[] = [];
          let at = 0;
          for (const cut of cuts) pieces.push(bytes.subarray(at, (at += cut)));
          pieces.push(bytes.subarray(at));
          const whole = pieces.filter((piece) => piece.length > 0);
          expect(await rowsOf(whole, 'ndjson')).toEqual(objects.map((row, index) => ({ number: index + 1, row })));
        },
      ),
    );
  });

  it('that are bad are told by their number, and the others come all the same', async () => {
    const rows = await rowsOf(`\ufeff{"a":1}\n\nnot json\n[1]\n{"x":"${'y'.repeat(1 << 20)}"}\n{"a":2}`, 'ndjson');
    expect(rows.map((each) => ('row' in each ? each.row : each.fault.slice(0, 20)))).toEqual([
      { a: 1 },
      'The line is not JSON',
      'The line is JSON but',
      'The line is longer t',
      { a: 2 },
    ]);
    expect(rows.map(({ number }) => number)).toEqual([1, 3, 4, 5, 6]);
  });

  it('of CSV keep quotes, commas, line breaks, and their numbers behind a bad record', async () => {
    const rows = await rowsOf('\ufeffa,b\r\n1,"x, ""y""\nz"\r\n1,2,3\r\n4,5\r\n', 'csv');
    expect(rows).toMatchObject([
      { number: 1, row: { a: '1', b: 'x, "y"\nz' } },
      { number: 2, fault: expect.stringContaining('Invalid Record Length') as string },
      { number: 3, row: { a: '4', b: '5' } },
    ]);
  });

  it('are told apart by the first character', async () => {
    expect(await guessFormat(Readable.from([Buffer.from('\ufeff  {"a":1}')], { objectMode: false }))).toBe('ndjson');
    expect(await guessFormat(Readable.from([Buffer.from('a,b\n')], { objectMode: false }))).toBe('csv');
  });
});

describe('a mapping', () => {
  it('moves, converts and sets', () => {
    const mapping = parseMapping(
      [
        'userId=user,properties.price=price:number,properties.new=new:boolean',
        'context.page.url=payload.href,timestamp=at',
      ],
      ['eventName=hit,properties.imported=yes'],
      false,
    );
    const row = {
      user: 'u1',
      price: '9.50',
      new: 'no',
      payload: '{"href":"https://x/"}',
      at: '2024-03-13 10:21:14',
      other: '1',
    };
    expect(toEvent(row, mapping)).toEqual({
      userId: 'u1',
      eventName: 'hit',
      timestamp: '2024-03-13T10:21:14Z',
      properties: { price: 9.5, new: false, imported: 'yes' },
      context: { page: { url: 'https://x/' } },
    });
    expect(() => toEvent({ price: 'cheap' }, mapping)).toThrow(RowFault);
    expect(() => toEvent({ price: ' ' }, mapping)).toThrow(RowFault);
  });

  it('keeps the other columns as properties only when asked', () => {
    const row = { user: 'u1', color: 'red', empty: '' };
    expect(toEvent(row, parseMapping(['userId=user'], [], true))).toEqual({
      userId: 'u1',
      properties: { color: 'red' },
    });
    expect(toEvent(row, parseMapping(['userId=user'], [], false))).toEqual({ userId: 'u1' });
  });

  it('is not needed for our own shape, which loses what the server writes anew', () => {
    const exported = {
      eventId: 'e',
      eventName: 'n',
      sequence: '7',
      properties: '{"a":1}',
      receivedAt: 'x',
      bot: 'false',
      userId: '',
      sentAt: 'x',
    };
    expect(toEvent(exported, parseMapping([], [], false))).toEqual({
      eventId: 'e',
      eventName: 'n',
      sequence: 7,
      properties: { a: 1 },
    });
  });

  it.each(['userId', 'nonsense=a', 'properties=a', 'properties.=a', '=a', 'properties.__proto__.x=a', 'userId.x=a'])(
    'refuses %s',
    (text) => {
      expect(() => parseMapping([text], [], false)).toThrow(CommandProblem);
    },
  );

  it.each([
    ['2024-03-13 10:21:14', '2024-03-13T10:21:14Z'],
    ['2024-03-13T10:21', '2024-03-13T10:21:00Z'],
    ['2024-03-13', '2024-03-13T00:00:00Z'],
    ['2024-03-13 10:21:14,5', '2024-03-13T10:21:14.5Z'],
    ['2024-03-13T10:21:14+02:00', '2024-03-13T10:21:14+02:00'],
    ['yesterday', 'yesterday'],
  ])('takes the time %s for %s', (text, timestamp) => {
    expect(toEvent({ timestamp: text }, parseMapping([], [], false))).toEqual({ timestamp });
  });
});

describe('the command', () => {
  let folder: string;
  let server: BatchServer;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-import-'));
    server = await startBatchServer();
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function terminal(stop = new AbortController()): Terminal & { text: string } {
    const made = {
      text: '',
      out: (text: string) => void (made.text += text),
      err: (text: string) => void (made.text += text),
      width: 80,
      redraws: false,
      color: false,
      env: { TIDEMARK_WRITE_KEY: 'key', TIDEMARK_URL: server.url },
      signal: stop.signal,
    };
    return made;
  }

  function csv(rows: number): string {
    const path = join(folder, 'shop.csv');
    const lines = Array.from({ length: rows }, (_, index) => `u${index % 10},view,2024-03-13 10:21:14`);
    writeFileSync(path, `user,event,at\n${lines.join('\n')}\n`);
    return path;
  }
  const MAP = ['--map', 'userId=user,eventName=event,timestamp=at'];

  it('brings every row once, however often it runs, gzipped or not', async () => {
    const path = csv(2_500);
    const screen = terminal();
    expect(await importCommand.run([path, ...MAP], screen)).toBe(0);
    expect(screen.text).toContain('2,500 rows accepted');
    expect(server.events.size).toBe(2_500);
    expect(existsSync(`${path}.tidemark-import`)).toBe(false);

    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
    expect(await importCommand.run([`${path}.gz`, ...MAP], terminal())).toBe(0);
    expect(server.events.size).toBe(2_500);
    expect(server.duplicates).toBe(2_500);
  });

  it('waits for a server that is busy, away or cut off', async () => {
    server.failures = [503, 429, 0];
    const screen = terminal();
    expect(await importCommand.run([csv(10), ...MAP], screen)).toBe(0);
    expect(server.events.size).toBe(10);
    expect(screen.text).toMatch(/waiting 1 s: The server answered 503: not now/);
  });

  it('goes on behind the last answered row after a stop', async () => {
    const path = csv(6_000);
    const stop = new AbortController();
    const first = importCommand.run([path, ...MAP], terminal(stop));
    while (server.requests < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    server.failures = Array.from({ length: 50 }, () => 503);
    setTimeout(() => stop.abort(), 50);
    expect(await first).toBe(130);
    const { row } = JSON.parse(readFileSync(`${path}.tidemark-import`, 'utf8').slice(9)) as { row: number };
    expect(row).toBeGreaterThan(0);

    server.failures = [];
    server.duplicates = 0;
    const screen = terminal();
    expect(await importCommand.run([path, ...MAP], screen)).toBe(0);
    expect(screen.text).toContain('going on behind row');
    expect(screen.text).toContain('6,000 rows accepted');
    expect(server.events.size).toBe(6_000);
    expect(server.duplicates).toBeLessThan(6_000 - row);
  });

  it('names the refused rows, and ends with another code', async () => {
    const path = join(folder, 'events.ndjson');
    writeFileSync(
      path,
      '{"eventName":"a","userId":"u"}\n{"userId":"u"}\nnope\n{"eventId":"mine","eventName":"b","userId":"u"}\n',
    );
    const screen = terminal();
    expect(await importCommand.run([path], screen)).toBe(2);
    expect(screen.text).toContain('2 rows accepted (those that were there already count once), 2 refused.');
    expect(screen.text).toContain('row 2: No name. (missing_event_name)');
    expect(screen.text).toContain('row 3: The line is not JSON');
    expect([...server.events.keys()]).toEqual([expect.stringMatching(/^[0-9a-f]{32}-1$/), 'mine']);
  });

  it('says what to mend: no file, a wrong key', async () => {
    await expect(importCommand.run([join(folder, 'none.csv')], terminal())).rejects.toThrow("can't be read (ENOENT)");
    const path = csv(1);
    await expect(importCommand.run([path, ...MAP, '--write-key', 'other'], terminal())).rejects.toThrow('unknown key');
  });
});
