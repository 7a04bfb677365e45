import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CONNECTION_ERRORS, problemOf } from './problem.ts';
import type { ProblemCode } from './problem.ts';

it('explains each code of the collector in docs/protocol.md, under an anchor of its name', () => {
  const text = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');
  for (const code of Object.keys(CONNECTION_ERRORS) as ProblemCode[]) {
    expect(text.split('\n'), code).toContain(`### ${code}`);
    expect(problemOf({ code })).toMatchObject({
      code,
      type: `docs/protocol.md#${code}`,
      documentation: `docs/protocol.md#${code}`,
    });
  }
});
