/** What a User-Agent header tells: system, browser, kind of device, and whether a program sent it. */
import { isbot } from 'isbot';
import UAParser from 'my-ua-parser';
import type { JsonObject } from '@tidemark/event';
import { memberOf } from '../additions.ts';
import { BoundedCache } from '../bounded-cache.ts';

export interface UserAgent {
  osName: string;
  browserName: string;
  /** `desktop`, `mobile`, `tablet`, `console`, `smarttv`, `wearable`, `embedded`; `''` when it can't be told. */
  deviceType: string;
  /** As they enter the context, without the fields that are not known: name and version; type, vendor and model. */
  os: JsonObject;
  browser: JsonObject;
  device: JsonObject;
  /** The same as `memberOf` has them, to be added to the context. */
  members: { os: string; browser: string; device: string };
  bot: boolean;
}

/** Longer headers are attacks or accidents; the parsers' expressions take time that grows with the length. */
export const MAX_USER_AGENT_LENGTH = 512;
/** A busy site sees some thousand different ones a day. About 1 KB each. */
const CACHED_USER_AGENTS = 4_096;

/** The parser's words for what the makers call otherwise, and for what is one browser in two shells. */
const OS_NAMES: Record<string, string> = { 'Mac OS': 'macOS', 'Chromium OS': 'Chrome OS' };
const BROWSER_NAMES: Record<string, string> = {
  'Mobile Safari': 'Safari',
  'Mobile Chrome': 'Chrome',
  'Mobile Firefox': 'Firefox',
};
const DESKTOP_SYSTEMS = new Set([
  'macOS',
  'Windows',
  'Linux',
  'Chrome OS',
  'Ubuntu',
  'Debian',
  'Fedora',
  'FreeBSD',
  'OpenBSD',
]);
const MOBILE_SYSTEMS = new Set([
  'iOS',
  'Android',
  'HarmonyOS',
  'KaiOS',
  'Windows Phone',
  'Windows Mobile',
  'BlackBerry',
]);

/** Parsed and remembered: some 30 us the first time, a look-up after. */
export function createUserAgentReader(): (userAgent: string) => UserAgent {
  const cache = new BoundedCache(CACHED_USER_AGENTS, parseUserAgent);
  return (userAgent) =>
    cache.get(userAgent.length > MAX_USER_AGENT_LENGTH ? userAgent.slice(0, MAX_USER_AGENT_LENGTH) : userAgent);
}

export function parseUserAgent(userAgent: string): UserAgent {
  const { os, browser, device } = UAParser(userAgent);
  const osName = os.name === undefined ? '' : (OS_NAMES[os.name] ?? os.name);
  const browserName = browser.name === undefined ? '' : (BROWSER_NAMES[browser.name] ?? browser.name);
  const deviceType = device.type ?? deviceTypeOf(osName);
  const known = {
    os: stated({ name: osName, version: os.version }),
    browser: stated({ name: browserName, version: browser.version }),
    device: stated({ type: deviceType, vendor: device.vendor, model: device.model }),
  };
  return {
    osName,
    browserName,
    deviceType,
    ...known,
    members: {
      os: memberOf('os', known.os),
      browser: memberOf('browser', known.browser),
      device: memberOf('device', known.device),
    },
    bot: isbot(userAgent),
  };
}

/** The kind of device that a system usually runs on, `''` when it may be any. */
export function deviceTypeOf(osName: string): string {
  if (DESKTOP_SYSTEMS.has(osName)) return 'desktop';
  return MOBILE_SYSTEMS.has(osName) ? 'mobile' : '';
}

function stated(fields: Record<string, string | undefined>): JsonObject {
  const known: JsonObject = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined && value !== '') known[name] = value;
  return known;
}
