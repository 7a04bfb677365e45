import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFormula } from './formula.ts';
import { QuestionError } from '../question/problem.ts';

type Tree = string | { left: Tree; operator: string; right: Tree };

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('A', 'B', 'C', '2', '0.5', '0'),
    fc.record({ left: tie('tree'), operator: fc.constantFrom('+', '-', '*', '/'), right: tie('tree') }),
  ),
}));

const VALUES = { A: 3, B: -4, C: 0 };

function write(tree: Tree): string {
  return typeof tree === 'string' ? tree : `(${write(tree.left)} ${tree.operator}${write(tree.right)})`;
}

function evaluate(tree: Tree): number {
  if (typeof tree === 'string') return tree in VALUES ? VALUES[tree as keyof typeof VALUES] : Number(tree);
  const [left, right] = [evaluate(tree.left), evaluate(tree.right)];
  return tree.operator === '+' ? left + right : tree.operator === '-' ? left - right : tree.operator === '*' ? left * right : left / right;
}

describe('a formula (rule T6)', () => {
  it('is computed as it is written', () => {
    fc.assert(
      fc.property(tree, (written) => {
        const text = write(written);
        fc.pre(text.length <= 200);
        const value = evaluate(written);
        expect(readFormula(text, 3)([3, -4, 0])).toBe(Number.isFinite(value) ? value : 0);
      }),
    );
  });

  it('follows the order of operations', () => {
    expect(readFormula('A+B*2-6/3', 2)([1, 10])).toBe(19);
    expect(readFormula('-A--B', 2)([1, 10])).toBe(9);
    expect(readFormula(' ( A + B ) / 4 ', 2)([1, 11])).toBe(3);
    expect(readFormula('A/B', 2)([1, 0])).toBe(0);
  });

  it('is refused when it is none', () => {
    for (const text of ['', 'C', 'A+', '(A', 'A)', 'AA', 'A B', 'a', '1e5', 'A;B', "A'", '()', 'A**B', '2.', `${'A+'.repeat(150)}A`]) {
      expect(() => readFormula(text, 2), text).toThrow(QuestionError);
    }
  });
});
