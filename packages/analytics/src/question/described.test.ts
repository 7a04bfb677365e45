import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { conditionSql } from '../events/where.ts';
import { KINDS } from '../kinds.ts';
import { described } from './described.ts';
import { Condition } from './schema.ts';
import { validate } from './validate.ts';

const ajv = new Ajv2020({ strict: false });
const OPS = [...Condition.properties.op.enum, 'like'];
const VALUES = [undefined, 'a', '1', 1, true, null, {}, [], ['a'], [''], [1, true], [null], 'x'.repeat(501), 'x'.repeat(10_001)];

it('a condition has the shape that is described just where it is taken', () => {
  const isDescribed = ajv.compile(described(Condition));
  for (const op of OPS) {
    for (const [property, value] of ['properties.a', 'cohort'].flatMap((name) => VALUES.map((each) => [name, each] as const))) {
      const condition = { property, op, ...(value !== undefined && { value }) };
      expect(isDescribed(condition), JSON.stringify(condition).slice(0, 100)).toBe(isTaken(condition));
    }
  }
});

function isTaken(condition: object): boolean {
  try {
    conditionSql(validate(Condition, condition), 'events', 'where[0]');
    return true;
  } catch {
    return false;
  }
}

it('every kind’s conditions are described so', () => {
  for (const { name, question } of KINDS) {
    const text = JSON.stringify(described(question));
    expect([name, text.includes('"enum":["=","!=","in"')]).toEqual([name, false]);
  }
});
