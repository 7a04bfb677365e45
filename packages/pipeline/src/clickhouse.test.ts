import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROW_STRUCTURE, RowWriter } from '@tidemark/event';
import type { StoredEvent } from '@tidemark/event';
import { Session } from 'chdb';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { createAdmission } from './create-admission.ts';
import { request } from './testing.ts';

// One row that ClickHouse can't read fails the insert of a whole block, so the promise is about all rows at once.
const ROWS = 4_000;

/** The settings of every insert into a JSON column (DESIGN section 3). */
const SETTINGS =
  'SETTINGS json_type_escape_dots_in_keys = 1, type_json_skip_duplicated_paths = 1, input_format_try_infer_dates = 0, input_format_try_infer_datetimes = 0';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-admission-'));
const session = new Session(join(folder, 'db'));
session.query(
  "CREATE TABLE events (event_id String, time DateTime64(3, 'UTC'), properties JSON(max_dynamic_paths = 64), context String, traits String) ENGINE = MergeTree ORDER BY event_id",
);
afterAll(() => {
  session.cleanup();
  rmSync(folder, { recursive: true });
});

function insert(events: readonly StoredEvent[]): void {
  const rows = new RowWriter();
  for (const event of events) rows.write(event);
  const file = join(folder, 'rows');
  writeFileSync(file, rows.take());
  session.query(
    `INSERT INTO events SELECT event_id, time, property_index, context, traits FROM file('${file}', 'RowBinary', '${ROW_STRUCTURE.replaceAll("'", "\\'")}') ${SETTINGS}`,
  );
}

const units = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  maxLength: 6,
});
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  units,
  fc.constantFrom(
    '',
    '\u0000',
    'a\u0000b',
    '\ud800',
    '\udfff\ud800',
    '🦊',
    '\\ud800',
    '"',
    '2026-01-01',
    '2026-01-01T00:00:00Z',
    '12',
    'nan',
    'null',
    '\u2028',
    '\uffff',
  ),
);
const key = fc.oneof(
  text,
  fc.constantFrom(
    'a',
    'b',
    'a.b',
    '.',
    '..',
    'a.',
    '.a',
    'a%2Eb',
    '__proto__',
    'constructor',
    'toString',
    '`',
    ':',
    '[]',
    'a:Int64',
    '^a',
    '$set',
    'é',
  ),
);
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(
    2 ** 53,
    2 ** 63,
    -(2 ** 63),
    2 ** 64,
    -(2 ** 64),
    1e20,
    1e21,
    1e300,
    1.7976931348623157e308,
    5e-324,
    -0,
    0.1,
  ),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5 }),
  ),
}));
const object = fc.dictionary(key, value, { maxKeys: 8 });
const member = fc.oneof(text, object, value);
const event = fc.record({
  eventName: fc.constantFrom('purchase', 'page_view', '🦊'),
  userId: fc.constantFrom('u1', 'José'),
  type: fc.constantFrom('track', 'page', 'identify'),
  timestamp: fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 9.2e12 })),
  sentAt: fc.oneof(fc.constant(null), fc.integer({ min: 1.6e12, max: 9.2e12 })),
  properties: fc.oneof(
    object,
    fc.record({ $set: object, url: text, referrer: text, search: text }, { requiredKeys: [] }),
  ),
  context: fc.record(
    {
      userAgent: member,
      ip: member,
      os: member,
      browser: member,
      device: member,
      geo: member,
      campaign: member,
      referrer: member,
      channel: member,
      locale: member,
      app: member,
      library: member,
      traits: member,
      page: fc.oneof(member, fc.record({ url: text, referrer: text, search: text, path: text }, { requiredKeys: [] })),
    },
    { requiredKeys: [] },
  ),
  traits: object,
});

test('E14: ClickHouse reads whatever the door lets in, thousands of the worst rows in one insert, and keeps the texts', () => {
  const seed = Date.now() & 0x7fffffff;
  const { admit } = createAdmission({ countryOf: () => 'DE' });
  // Through text, as everything comes to the door.
  const samples = fc.sample(event, { numRuns: ROWS * 1.5, seed });
  const admitted: StoredEvent[] = [];
  for (const [index, sample] of samples.entries()) {
    const admission = admit(JSON.parse(JSON.stringify({ ...sample, eventId: `e-${index}` })), request());
    if (admission.kind === 'store') admitted.push(admission.event);
  }
  expect(admitted.length, `seed ${seed}`).toBeGreaterThan(ROWS);
  try {
    insert(admitted);
  } catch (error) {
    throw new Error(`seed ${seed}; ClickHouse refuses ${firstRefused(admitted)}`, { cause: error });
  }
  const stored = session.query(
    'SELECT event_id, context, traits, toUnixTimestamp64Milli(time) AS ms FROM events ORDER BY event_id',
    'JSONCompactEachRow',
  );
  const rows = stored
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as [string, string, string, string | number]);
  const expected = admitted.map(
    ({ eventId, context, traits, timeMs }) => [eventId, context.toWellFormed(), traits.toWellFormed(), timeMs] as const,
  );
  expected.sort(([one], [other]) => (one < other ? -1 : 1));
  expect(
    rows.map(([id, context, traits, ms]) => [id, context, traits, Number(ms)]),
    `seed ${seed}`,
  ).toEqual(expected);
  // Texts are JSON for everybody else too.
  for (const { properties, context, traits } of admitted)
    for (const json of [properties, context, traits]) JSON.parse(json);
});

/** The text of the first event that ClickHouse doesn't take by itself. */
function firstRefused(events: readonly StoredEvent[]): string {
  if (events.length === 1) return JSON.stringify(events[0]);
  const half = events.length >> 1;
  for (const part of [events.slice(0, half), events.slice(half)]) {
    try {
      insert(part);
    } catch {
      return firstRefused(part);
    }
  }
  return 'only all of them together';
}

test('E14: numbers that V8 and ClickHouse write differently are the same numbers', () => {
  const { admit } = createAdmission({ countryOf: () => '' });
  const numbers = [
    0,
    -0,
    1,
    -1,
    0.1,
    1e21,
    1e-7,
    2 ** 53,
    2 ** 63,
    -(2 ** 63),
    2 ** 64,
    1.7976931348623157e308,
    5e-324,
  ];
  const events = numbers.map((n, index) => {
    const admission = admit(
      { eventId: `n-${String(index).padStart(2, '0')}`, eventName: 'n', userId: 'numbers', properties: { n } },
      request(),
    );
    if (admission.kind !== 'store') throw new Error(JSON.stringify(admission));
    return admission.event;
  });
  insert(events);
  const read = session.query(
    "SELECT coalesce(properties.n.:Float64, toFloat64(properties.n.:Int64)) FROM events WHERE startsWith(event_id, 'n-') ORDER BY event_id",
    'TSV',
  );
  expect(read.trimEnd().split('\n').map(Number)).toEqual(numbers.map((n) => (n === 0 ? 0 : n)));
});

test('lists of lists and objects, of many keys and types, fill no folder with columns', () => {
  const { admit } = createAdmission({ countryOf: () => '' });
  const plain = [1, 'x', true, 1.5, [1], ['x'], [true], [1.5]];
  const hostile = (index: number, depth: number): object =>
    Object.fromEntries(
      Array.from({ length: 4 }, (_, at) => [
        `k${(index * 7 + at * 13 + depth) % 60}`,
        depth === 0 ? plain[(index + at) % 8] : [hostile(index * 3 + at, depth - 1)],
      ]),
    );
  const events = Array.from({ length: 2_000 }, (_, index) => {
    const admission = admit(
      { eventId: `h-${index}`, eventName: 'n', userId: 'u', properties: hostile(index, 3) },
      request(),
    );
    if (admission.kind !== 'store') throw new Error(JSON.stringify(admission));
    return admission.event;
  });
  // Stored as they came, each of these lists would hold columns of its own, and those again.
  insert(events);
  const types = session.query(
    "SELECT countDistinct(arrayJoin(JSONAllPathsWithTypes(properties))) FROM events WHERE startsWith(event_id, 'h-')",
    'TSV',
  );
  expect(Number(types)).toBeLessThan(100);
});
