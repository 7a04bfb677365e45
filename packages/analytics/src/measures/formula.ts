import { QuestionError } from '../question/problem.ts';

/** A formula over series named A, B, …: applied to the values of one point. Division by zero gives 0 (rule T6). */
export type Formula = (values: readonly number[]) => number;

const MAX_LENGTH = 200;

/**
 * Reads `A / (B + 2) * 100`: letters, numbers, + - * / and brackets. `count` series may be named. Throws a QuestionError.
 *
 *   sum     = product (('+' | '-') product)*
 *   product = unary (('*' | '/') unary)*
 *   unary   = '-' unary | number | letter | '(' sum ')'
 */
export function readFormula(text: string, count: number): Formula {
  const tokens = text.length > MAX_LENGTH ? [] : (text.match(/\d+(?:\.\d+)?|[A-Z]|[-+*/()]|\S/g) ?? []);
  let at = 0;

  const sum = (): Formula => {
    let left = product();
    while (tokens[at] === '+' || tokens[at] === '-') left = combine(tokens[at++] ?? '', left, product());
    return left;
  };
  const product = (): Formula => {
    let left = unary();
    while (tokens[at] === '*' || tokens[at] === '/') left = combine(tokens[at++] ?? '', left, unary());
    return left;
  };
  const unary = (): Formula => {
    const token = tokens[at++] ?? '';
    if (token === '-') {
      const inner = unary();
      return (values) => -inner(values);
    }
    if (token === '(') {
      const inner = sum();
      if (tokens[at++] !== ')') throw refuse(text, count);
      return inner;
    }
    if (/^\d/.test(token)) return () => Number(token);
    const index = token.length === 1 ? token.charCodeAt(0) - 65 : -1;
    if (index < 0 || index >= count) throw refuse(text, count);
    return (values) => values[index] ?? 0;
  };

  const formula = sum();
  if (at !== tokens.length) throw refuse(text, count);
  return (values) => {
    const result = formula(values);
    return Number.isFinite(result) ? result : 0;
  };
}

function combine(operator: string, left: Formula, right: Formula): Formula {
  switch (operator) {
    case '+':
      return (values) => left(values) + right(values);
    case '-':
      return (values) => left(values) - right(values);
    case '*':
      return (values) => left(values) * right(values);
    default:
      return (values) => left(values) / right(values);
  }
}

function refuse(text: string, count: number): QuestionError {
  const letters = Array.from({ length: count }, (_, i) => String.fromCharCode(65 + i)).join(', ');
  return new QuestionError({
    code: 'invalid_formula', field: 'formula', value: text,
    rule: `the series ${letters}, numbers, + - * / and brackets, at most ${MAX_LENGTH} characters`,
    detail: `The formula can't be read; it takes the series ${letters}, numbers, + - * / and brackets.`,
  });
}
