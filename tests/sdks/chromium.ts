/** The browser that tests drive, where the machine has one. */
import { existsSync } from 'node:fs';

export const CHROMIUM = [
  process.env['TIDEMARK_TEST_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path && existsSync(path));
if (!CHROMIUM) console.warn('no Chromium: what needs a browser is not tried (apt-get install chromium)');

export const CHROMIUM_ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
