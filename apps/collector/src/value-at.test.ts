import { expect, it } from 'vitest';
import { valueAt } from './value-at.ts';

it('follows the paths of faults, and shows no more than a line', () => {
  const event = {
    eventId: 7,
    properties: { items: [{}, { price: Infinity }], 'a.b': 1, text: `${'x'.repeat(199)}😀${'y'.repeat(9)}` },
  };
  expect(valueAt(event, 'eventId')).toBe(7);
  expect(valueAt(event, 'properties.items[1].price')).toBe('Infinity');
  expect(valueAt(event, 'properties.items')).toBe('[…]');
  expect(valueAt(event, 'properties')).toBe('{…}');
  expect(valueAt(event, 'properties.a.b')).toBeUndefined();
  expect(valueAt(event, 'constructor.name')).toBeUndefined();
  expect(valueAt(event, 'userId')).toBeUndefined();
  expect(valueAt(7, '')).toBe(7);
  const text = valueAt(event, 'properties.text') as string;
  expect(text).toHaveLength(201);
  expect(text.isWellFormed()).toBe(true);
});
