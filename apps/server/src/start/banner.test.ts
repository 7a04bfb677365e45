import { expect, test } from 'vitest';
import { banner } from './banner.ts';

const facts = {
  version: '1.2.3',
  url: 'http://127.0.0.1:7070',
  dataPath: '/srv/tidemark',
  freeBytes: 20 * 1024 ** 3,
  startupMs: 1_234,
  writeKey: 'cKey',
  apiToken: undefined,
  apiTokenPreset: false,
  exampleId: 'first-1',
};

test('a token that this start made is shown, in words and in the page address', () => {
  const words = banner({ ...facts, apiToken: 'tm_made' });
  expect(words).toContain('tm_made  (shown this once: keep it)');
  expect(words).toContain('http://127.0.0.1:7070/#token=tm_made\n');
});

test('a token from the environment is nowhere in it', () => {
  const words = banner({ ...facts, apiToken: 'tm_preset', apiTokenPreset: true });
  expect(words).not.toContain('tm_preset');
  expect(words).toContain('as set by TIDEMARK_API_TOKEN');
  expect(words).toContain('http://127.0.0.1:7070/\n');
});

test('with no token to name, it says how to come by one', () => {
  for (const apiTokenPreset of [false, true]) {
    const words = banner({ ...facts, apiTokenPreset });
    expect(words).toContain('`tidemark token` makes a new one');
    expect(words).not.toContain('#token');
  }
});
