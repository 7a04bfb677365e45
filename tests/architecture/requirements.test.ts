/** The first words that a machine without what we need gets to see. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { requirementProblem } from '../../bin/requirements.mjs';
import { ROOT } from './sources.ts';

const HERE = { versions: { node: '24.1.0' }, platform: 'linux', arch: 'x64' };

it.each([
  ['node_version', { versions: { node: '14.21.3' } }],
  ['node_version', { versions: { node: '20.18.9' } }],
  ['node_version', { versions: { node: '21.7.0' } }],
  ['node_version', { versions: { node: '22.11.0' } }],
  ['platform', { platform: 'win32' }],
  ['platform', { arch: 'ia32' }],
  ['musl', { report: { getReport: () => ({ header: {} }) } }],
])('%s is refused with a sentence and a fix: %o', (code, difference) => {
  const problem = requirementProblem({ ...HERE, ...difference });
  expect(problem).toMatchObject({
    code,
    sentence: expect.stringMatching(/\.$/) as string,
    fix: expect.stringMatching(/\.$/) as string,
  });
});

it.each([
  {},
  { versions: { node: '20.19.0' } },
  { versions: { node: '22.12.0' } },
  { platform: 'darwin', arch: 'arm64' },
  { report: { getReport: () => ({ header: { glibcVersionRuntime: '2.36' } }) } },
])('a machine that has it all may go on: %o', (difference) => {
  expect(requirementProblem({ ...HERE, ...difference })).toBeUndefined();
});

it('names the versions of Node that package.json names', () => {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { engines: { node: string } };
  expect(engines.node).toBe('^20.19.0 || >=22.12.0');
});

it('is written so that an old Node can parse it', () => {
  for (const name of ['tidemark.mjs', 'requirements.mjs']) {
    const text = readFileSync(join(ROOT, 'bin', name), 'utf8');
    // Since 14.0 a Node knows modules, ?. and import(); since 15 and 16 it knows these.
    expect(text).not.toMatch(/\?\?=|\|\|=|&&=|\.at\(|^\s*await |'node:/m);
  }
});
