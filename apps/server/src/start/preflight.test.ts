import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StartProblem } from '../start-problem.ts';
import { checkDataFolder } from './preflight.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tidemark-preflight-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function codeOf(path: string): string {
  try {
    checkDataFolder(path);
    return 'well';
  } catch (error) {
    return error instanceof StartProblem ? error.code : String(error);
  }
}

test('missing levels are made, and the data folder for its owner alone', () => {
  const path = join(folder, 'a', 'b', 'data');
  expect(codeOf(path)).toBe('well');
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'a')).mode & 0o700).toBe(0o700);
  expect(codeOf(path)).toBe('well');
});

test('a folder that is there keeps its rights', () => {
  const path = join(folder, 'data');
  mkdirSync(path);
  chmodSync(path, 0o750);
  expect(codeOf(path)).toBe('well');
  expect(statSync(path).mode & 0o777).toBe(0o750);
});

test('a file in its place, or on the way to it, is none', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(codeOf(file)).toBe('data_not_a_folder');
  expect(codeOf(join(file, 'data'))).toBe('data_not_a_folder');
});

test.runIf(platform() === 'linux')('where nothing can be made, it says so and does not hang', () => {
  expect(codeOf('/proc/tidemark')).toBe('data_not_writable');
  expect(codeOf('/proc/tidemark/data')).toBe('data_not_writable');
});
