import type { JsonValue } from '@tidemark/event';
import fc from 'fast-check';
import { numberOf, textOf } from '@tidemark/model';
import { literal } from '@tidemark/warehouse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QuestionError } from '../question/problem.ts';
import { propertySql } from './property.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

// Not '%2E': the JSON column keeps a key with that in it as one with a dot (json_type_escape_dots_in_keys).
const KEYS = ['a', 'b', 'a.b', '^a', 'a[]', ':b', 'x`y', "e'f", 'c\\d', 'with space', 'größe', '😀', '100%', '$p', '-'];
const number = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.integer({ min: -100_000, max: 100_000 }).map((cents) => cents / 100),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, 0.1, 1e-7, 1e-6, 123456.789, 2 ** 53, -(2 ** 62), 2 ** 63, 2 ** 64, 1e20, 1e21, 5e-324),
);
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom('', 'null', 'true', '12', '12.50', '-1e3', '.5', '5.', '+5', ' 5', '0x10', 'inf', 'NaN', '1e400', '[x]', '{"a":1}', '[', '2026-01-01', 'a/b', '\0', '"q"', '\u2028'),
);
const scalar = fc.oneof(number, text, fc.boolean(), fc.constant(null));
// Numbers and booleans in one list are all stored as numbers (input_format_json_read_bools_as_numbers), see rule P2.
const besides = fc.oneof(text, fc.constant(null), fc.constant<JsonValue>([1, 'x']), fc.constant<JsonValue>({ a: 1 }));
const list = fc.oneof(fc.array(fc.oneof(number, besides), { maxLength: 3 }), fc.array(fc.oneof(fc.boolean(), besides), { maxLength: 3 }));
const value = fc.oneof(
  { weight: 5, arbitrary: scalar },
  { weight: 2, arbitrary: list },
  { weight: 2, arbitrary: fc.dictionary(fc.constantFrom(...KEYS), scalar, { maxKeys: 3 }) },
);
const document = fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 5 });

describe('a property', () => {
  const names = [...KEYS.map((key) => key), 'a.a', 'b.a', 'b.^a', 'a.b.a', 'missing', 'b.a.b'];

  it('reads the same from the JSON column, from a JSON text, and in the model (rule P2)', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(document, { minLength: 20, maxLength: 60 }), async (documents) => {
        const project = `p${++round}`;
        const events = documents.map((properties) => storedEvent({ project, properties, context: properties, traits: properties }));
        await store.add(events);
        for (const [root, table] of [['properties', 'events'], ['properties', 'timeline'], ['context', 'events']] as const) {
          const reads = names.map((name) => propertySql(`${root}.${name}`, table, ''));
          const columns = reads.flatMap((read, i) => [`${read.text} AS t${i}`, `${read.number} AS n${i}`]);
          const { rows } = await store.warehouse.query<Record<string, unknown>>(
            `SELECT ${columns.join(', ')} FROM ${table} WHERE project = ${literal(project)} ORDER BY offset`,
          );
          for (const [at, event] of events.entries()) {
            for (const [i, name] of names.entries()) {
              const found = [name, rows[at]?.[`t${i}`], rows[at]?.[`n${i}`]];
              expect(found, `${root} of ${table}: ${event.properties}`).toEqual([name, textOf(event, `${root}.${name}`) ?? null, numberOf(event, `${root}.${name}`) ?? null]);
            }
          }
        }
      }),
      { numRuns: 10, interruptAfterTimeLimit: 40_000 },
    );
  });

  it('of the event itself is unset when it is empty', async () => {
    await store.add([storedEvent({ project: 'own', userId: '', anonymousId: '7' })]);
    const [user, device] = [propertySql('userId', 'events', ''), propertySql('anonymousId', 'events', '')];
    const { rows } = await store.warehouse.query(`SELECT ${user.text} AS u, ${device.text} AS d, ${device.number} AS n FROM events WHERE project = 'own'`);
    expect(rows).toEqual([{ u: null, d: '7', n: 7 }]);
  });

  it('that is none is refused by name', () => {
    for (const name of ['price', 'properties', 'properties.', '.a', 'properties.a..b', 'person.', 'session.id', 'toString', '__proto__.x']) {
      expect(() => propertySql(name, 'events', 'where[0].property')).toThrow(QuestionError);
    }
  });
});
