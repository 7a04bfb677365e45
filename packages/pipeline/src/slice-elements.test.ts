import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sliceElements } from './slice-elements.ts';

const slices = (body: string, property?: string): string[] => {
  const bytes = Buffer.from(body);
  return sliceElements(bytes, property).map(([start, end]) => bytes.toString('utf8', start, end));
};

/** JSON with white space and escapes where they may stand, as no JSON.stringify would write it. */
const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const quoted = fc
  .tuple(fc.string({ unit: 'binary', maxLength: 8 }), fc.boolean())
  .map(([text, escape]) =>
    escape
      ? `"${Array.from(text, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
      : JSON.stringify(text),
  );
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    quoted,
    fc.constantFrom('null', 'true', 'false', '0', '-1.5e+10', '"]"', '"\\\\"', '"\\"}"', '"\\\\\\"["'),
    fc
      .tuple(fc.array(tie('json'), { maxLength: 3 }), space)
      .map(([elements, gap]) => `[${gap}${elements.join(`${gap},${gap}`)}${gap}]`),
    fc
      .tuple(fc.array(fc.tuple(quoted, tie('json')), { maxLength: 3 }), space)
      .map(
        ([members, gap]) =>
          `{${gap}${members.map(([key, value]) => `${key}${gap}:${gap}${value}`).join(`${gap},${gap}`)}${gap}}`,
      ),
  ),
}));

test('Q2: the slices are the elements, byte for byte, as many and in the order that JSON.parse finds', () => {
  fc.assert(
    fc.property(fc.array(json, { maxLength: 6 }), json, json, space, (elements, before, after, gap) => {
      const body = `${gap}{${gap}"sentAt"${gap}:${before},${gap}"events":${gap}[${gap}${elements.join(`${gap},${gap}`)}${gap}]${gap},"more":${after}${gap}}${gap}`;
      expect(slices(body)).toEqual(elements);
      expect(slices(body).map((text) => JSON.parse(text) as unknown)).toEqual(
        (JSON.parse(body) as { events: unknown[] }).events,
      );
    }),
    { numRuns: 1000 },
  );
});

test('Q2: the array may be named with escapes or stand twice, and only the top level counts', () => {
  expect(slices('{"\\u0065vents":[1,2]}')).toEqual(['1', '2']);
  expect(slices('{"events":[1],"x":0,"events":[2,3]}')).toEqual(['2', '3']);
  expect(slices('{"events":[1],"events":{}}')).toEqual([]);
  expect(slices('{"a":{"events":[1]},"b":["events",[1]]}')).toEqual([]);
  expect(slices('{"batch":["é"]}', 'batch')).toEqual(['"é"']);
  expect(slices('\ufeff{"events":[1]}')).toEqual(['1']);
  for (const none of ['[1]', '{}', '"events"', '{"events":[]}', '{"events":[ ]}', '{"events":null}'])
    expect(slices(none)).toEqual([]);
});
