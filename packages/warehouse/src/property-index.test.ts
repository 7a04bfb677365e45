import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_PATH_BYTES, memoryOf, PropertyIndex, propertyIndexEnd, RowBytes, toJsonText, type JsonObject, type JsonValue } from '@tidemark/event';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ChdbWarehouse } from './chdb/chdb-warehouse.ts';
import { literal } from './literal.ts';

const RUNS = Number(process.env['TIDEMARK_PROPERTY_RUNS'] ?? 40);
const path = mkdtempSync(join(tmpdir(), 'tidemark-property-index-'));
const index = new PropertyIndex();
let warehouse: ChdbWarehouse;

beforeAll(async () => {
  warehouse = await ChdbWarehouse.open({ path, connections: 1 });
});
afterAll(async () => {
  await warehouse.close();
  rmSync(path, { recursive: true, force: true });
});

interface Column {
  paths: string;
  text: string;
}

const SEEN = 'toJSONString(JSONAllPathsWithTypes(j)) AS paths, toString(j) AS text';
const TYPE = 'JSON(max_dynamic_paths = 64)';

function encoded(document: JsonObject): Buffer {
  const text = Buffer.from(`…${toJsonText(document, true)}…`);
  const [start, end] = [3, text.length - 3];
  const out = new RowBytes(64);
  index.append(out, memoryOf(text), start, end);
  const bytes = Buffer.from(out.written);
  expect(propertyIndexEnd(bytes, 0, bytes.length)).toBe(bytes.length);
  return bytes;
}

/** The documents as ClickHouse holds them: from our bytes, all in one block. */
async function fromBytes(documents: readonly JsonObject[]): Promise<Column[]> {
  const file = join(path, 'documents.rows');
  writeFileSync(file, Buffer.concat(documents.map(encoded)));
  return (await warehouse.query<Column>(`SELECT ${SEEN} FROM file(${literal(file)}, 'RowBinary', 'j ${TYPE}')`)).rows;
}

/** The same by its own parser, each alone: what it takes a list for depends on the rows before it. */
async function fromText(documents: readonly JsonObject[]): Promise<Column[]> {
  const columns: Column[] = [];
  for (const document of documents) {
    const text = toJsonText(withPlainLists(document), true);
    const { rows } = await warehouse.query<Column>(`SELECT ${SEEN} FROM (SELECT CAST(${literal(text)} AS ${TYPE}) AS j)`);
    columns.push(...rows);
  }
  return columns;
}

/** Lists without the lists and objects within them, and nothing under a path that is too long. */
function withPlainLists(value: JsonObject, parent = ''): JsonObject {
  const kept: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    const at = `${parent}${key.replaceAll('.', '%2E')}`;
    if (Array.isArray(member)) define(kept, key, member.filter((element) => typeof element !== 'object' || element === null));
    else if (typeof member === 'object' && member !== null) define(kept, key, withPlainLists(member, `${at}.`));
    else define(kept, key, member);
    if (Buffer.byteLength(at) > MAX_PATH_BYTES && (typeof member !== 'object' || Array.isArray(member))) delete kept[key];
  }
  return kept;
}

function define(object: JsonObject, key: string, value: JsonValue): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

const KEYS = ['a', 'b', 'price', 'a.b', 'a%2Eb', 'ключ', '__proto__', '', ' ', '\0', '"', '\\', '\ud800', '😀', '0', 'a'.repeat(60)];
const key = fc.oneof(fc.constantFrom(...KEYS), fc.string({ unit: 'grapheme', maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 4 }));
const NUMBERS = [0, -0, 1, -1, 127, 128, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, -(2 ** 53), 2 ** 62, 2 ** 63 - 1024, -(2 ** 63) + 1024, 2 ** 63, 2 ** 64, -(2 ** 63), 1e20, 1e21, 1e300, 5e-324, 0.1, -19.99];
const number = fc.oneof(fc.constantFrom(...NUMBERS), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', 'true', '1', '2026-01-01', '2026-01-01 10:00:00', 'a\0b', "q'\\", '\ud83d', 'é'.repeat(30), 'x'.repeat(47), 'x'.repeat(48), 'x'.repeat(49), 'x'.repeat(200)),
);
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const { document } = fc.letrec<{ document: JsonObject; value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(fc.oneof(scalar, number, tie('value')), { maxLength: 5 }) as fc.Arbitrary<JsonValue>,
    tie('document'),
  ),
  document: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 8 })
    .map((members) => {
      const object: JsonObject = {};
      for (const [name, value] of members) define(object, name, value);
      return object;
    }),
}));

it('is what ClickHouse makes of the text, type by type', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(document, { minLength: 1, maxLength: 10 }), async (documents) => {
      expect(await fromBytes(documents)).toEqual(await fromText(documents));
    }),
    { numRuns: RUNS },
  );
});

it('takes more paths than have columns of their own, many types for one, and a broad document', async () => {
  const broad = Object.fromEntries(Array.from({ length: 512 }, (_, n) => [`property_${n}`, n % 3 === 0 ? n : `text ${n}`]));
  const documents: JsonObject[] = [broad, ...Array.from({ length: 200 }, (_, n) => ({ [`own_${n}`]: n, shared: [n, `${n}`, n / 3, n % 2 === 0, null, [n]][n % 6] as JsonValue }))];
  expect(await fromBytes(documents)).toEqual(await fromText(documents));
});

it('leaves out a path that is too long, and nothing beside it', async () => {
  const long = 'k'.repeat(MAX_PATH_BYTES);
  const ours = await fromBytes([{ [long]: { a: 1 }, [`${long}x`]: 2, b: 3 }, { [long]: 1 }]);
  expect(ours.map(({ paths }) => Object.keys(JSON.parse(paths) as object))).toEqual([['b'], [long]]);
});
