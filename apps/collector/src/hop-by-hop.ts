import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** Headers that speak of one connection, not of the message (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Connection can't take these away: without its length a body would be read as the next request (as of a `Connection: content-length`,
 * which RFC 9110 forbids to senders).
 */
const OF_THE_MESSAGE = new Set(['content-length', 'host']);

/** The headers that travel on: all but the hop-by-hop ones and those that Connection names. */
export function endToEndHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = headers.connection
    ?.toLowerCase()
    .split(',')
    .map((name) => name.trim());
  const kept: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || HOP_BY_HOP.has(name)) continue;
    if (OF_THE_MESSAGE.has(name) || named?.includes(name) !== true) kept[name] = value;
  }
  return kept;
}
