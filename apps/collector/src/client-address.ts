import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';

/**
 * The sender's address. `trustedProxies` is how many proxies of ours stand in front: the last of them is the socket's
 * peer, and each wrote the address it saw at the end of X-Forwarded-For. What lies further left anybody can write.
 */
export function clientAddress(req: IncomingMessage, trustedProxies: number): string | undefined {
  const peer = plainAddress(req.socket.remoteAddress ?? '');
  if (trustedProxies === 0) return peer;
  const forwarded = req.headers['x-forwarded-for'];
  if (typeof forwarded !== 'string' || forwarded === '') return peer;
  const hops = forwarded.split(',');
  return plainAddress(hops[Math.max(0, hops.length - trustedProxies)]?.trim() ?? '');
}

/** An address without port, brackets, zone or IPv4-in-IPv6 prefix; undefined when the text is no address. */
function plainAddress(text: string): string | undefined {
  let address = text;
  if (address.startsWith('[')) address = address.slice(1, address.indexOf(']'));
  else if (address.includes('.'))
    address = address.startsWith('::ffff:') ? address.slice(7) : (address.split(':', 1)[0] as string);
  const zone = address.indexOf('%');
  if (zone >= 0) address = address.slice(0, zone);
  return isIP(address) === 0 ? undefined : address;
}
