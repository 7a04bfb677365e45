import { expect, test } from 'vitest';
import { createUserAgentReader, parseUserAgent } from './user-agent.ts';

const SAFARI = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';
const CHROME = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0';

test.each([
  [
    `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${SAFARI} Version/17.1 Safari/605.1.15`,
    'macOS',
    'Safari',
    'desktop',
  ],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) ${SAFARI} Version/17.0 Mobile/15E148 Safari/604.1`,
    'iOS',
    'Safari',
    'mobile',
  ],
  [
    `Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) ${SAFARI} Version/16.0 Mobile/15E148 Safari/604.1`,
    'iOS',
    'Safari',
    'tablet',
  ],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME} Safari/537.36 Edg/120.0.0.0`, 'Windows', 'Edge', 'desktop'],
  [`Mozilla/5.0 (Linux; Android 14; Pixel 8) ${CHROME} Mobile Safari/537.36`, 'Android', 'Chrome', 'mobile'],
  [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${CHROME} Safari/537.36`, 'Chrome OS', 'Chrome', 'desktop'],
  ['Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0', 'Ubuntu', 'Firefox', 'desktop'],
])('N3: %s', (header, os, browser, deviceType) => {
  expect(parseUserAgent(header)).toMatchObject({ osName: os, browserName: browser, deviceType, bot: false });
});

test.each([
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'curl/8.5.0',
  'python-requests/2.31',
  `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36`,
])('N4: %s is a bot', (header) => expect(parseUserAgent(header).bot).toBe(true));

test('a header of any length and kind is read in little time', () => {
  const read = createUserAgentReader();
  const before = process.cpuUsage();
  for (const header of [
    '',
    ' ',
    'x'.repeat(1e6),
    '('.repeat(1e5),
    'Mozilla/5.0 '.repeat(1e5),
    '\u0000',
    '\ud800',
    'a;'.repeat(5e4),
  ])
    read(header);
  expect(process.cpuUsage(before).user).toBeLessThan(1e6);
  expect(read('constructor')).toMatchObject({ osName: '', browserName: '', deviceType: '' });
});
