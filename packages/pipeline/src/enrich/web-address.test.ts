import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostOf, isSameSite, pathOf, queryOf } from './web-address.ts';

test('of what URL can read, host, path and query are those that it reads', () => {
  fc.assert(
    fc.property(
      fc.webUrl({
        withQueryParameters: true,
        withFragments: true,
        authoritySettings: { withPort: true, withUserInfo: true },
      }),
      (url) => {
        const parsed = new URL(url);
        expect(hostOf(url)).toBe(parsed.hostname.replace(/^www\./, ''));
        expect(queryOf(url)).toBe(url.split('#')[0]!.split('?').slice(1).join('?'));
        // URL also resolves dots, which no page address in use has.
        if (!url.includes('/.')) expect(pathOf(url)).toBe(parsed.pathname);
      },
    ),
  );
});

test.each([
  ['https://www.Example.com:8080/a/b?c#d', 'example.com', '/a/b', 'c'],
  ['https://example.com', 'example.com', '/', ''],
  ['https://example.com?x=1', 'example.com', '/', 'x=1'],
  ['https://example.com/?a=b@c', 'example.com', '/', 'a=b@c'],
  ['http://[::1]:80/x', '[::1]', '/x', ''],
  ['android-app://com.google.android.gm/', 'com.google.android.gm', '/', ''],
  ['/path?a=1#b', '', '/path', 'a=1'],
  ['not a url', '', 'not a url', ''],
  ['', '', '', ''],
  ['://x', '', '/', ''],
  ['https://', '', '/', ''],
  ['https://user:pw@example.com:1/', 'example.com', '/', ''],
])('%s', (url, host, path, query) => {
  expect([hostOf(url), pathOf(url), queryOf(url)]).toEqual([host, path, query]);
});

test('parts of one site', () => {
  expect(isSameSite('shop.example.com', 'example.com')).toBe(true);
  expect(isSameSite('example.com', 'example.com')).toBe(true);
  expect(isSameSite('notexample.com', 'example.com')).toBe(false);
  expect(isSameSite('', '')).toBe(false);
});
