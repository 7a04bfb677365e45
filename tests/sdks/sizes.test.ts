/** What the browser SDK weighs, gzipped, as a customer's bundler makes it. A budget that is passed is a decision, not an accident. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { ROOT } from '../architecture/sources.ts';
import { bundleSdk } from './shop-page.ts';

it.each([
  ['memory.ts', 'esm', 5 * 1024],
  ['index.ts', 'esm', 9 * 1024],
  // As a page without a bundler loads it: with all capture.
  ['script.ts', 'iife', 14 * 1024],
  // What capture adds to a bundle of its own.
  ['capture/index.ts', 'esm', 2 * 1024],
] as const)('%s as %s is at most %i bytes', async (entry, format, maxBytes) => {
  const bytes = gzipSync(await bundleSdk(entry, 'Sdk', format), { level: 9 }).length;
  console.log(`${entry}: ${bytes} bytes of ${maxBytes}`);
  expect(bytes).toBeLessThanOrEqual(maxBytes);
});

it('the snippet, which stands in each page and holds up its parser, is at most 250 bytes as it is', () => {
  const readme = readFileSync(`${ROOT}/sdks/browser/README.md`, 'utf8');
  const snippet = readme.match(/<script>window\.tidemark[^]*?<\/script>\n<script async [^]*?<\/script>/)![0];
  expect(Buffer.byteLength(snippet)).toBeLessThanOrEqual(250);
});
