/** Network addresses as text: which are public, and how one is made to name a network instead of a person. */
import { isIP, isIPv4, isIPv6 } from 'node:net';

/** An address in its plain form (`::ffff:1.2.3.4` becomes `1.2.3.4`, zones are cut), `''` for anything else. */
export function plainAddress(text: string): string {
  const kind = isIP(text);
  if (kind === 4) return text;
  if (kind === 0) return '';
  const zone = text.indexOf('%');
  const address = zone === -1 ? text : text.slice(0, zone);
  const lastColon = address.lastIndexOf(':');
  const tail = address.slice(lastColon + 1);
  if (isIPv4(tail) && /^(?:0{0,4}:){1,5}(?:ffff:)?$/i.test(address.slice(0, lastColon + 1))) return tail;
  return address.toLowerCase();
}

/** The network of an address: the last octet of IPv4, the last 80 bits of IPv6 become zero (a /24, a /48). */
export function truncateAddress(address: string): string {
  if (isIPv4(address)) return `${address.slice(0, address.lastIndexOf('.'))}.0`;
  if (!isIPv6(address)) return '';
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    // A dotted tail stands for the last two groups, which no network reaches.
    const missing = 8 - groups.length - after.length - (tail.includes('.') ? 1 : 0);
    for (let group = 0; group < missing; group++) groups.push('0');
    groups.push(...after);
  }
  const kept = groups.slice(0, 3).map((group) => group.replace(/^0+(?=.)/, ''));
  while (kept.length > 0 && kept.at(-1) === '0') kept.pop();
  return kept.length === 0 ? '::' : `${kept.join(':')}::`;
}

/**
 * Addresses that belong to no country: loopback, private, link-local, carrier-grade NAT and unique local ranges (RFC
 * 6890). They are asked for first because the bundled database gives some of them to whoever registered the block.
 */
export function isPrivateAddress(address: string): boolean {
  if (isIPv4(address)) {
    const [a = 0, b = 0] = address.split('.').map(Number);
    if (a === 10 || a === 127 || a === 0 || a >= 224) return true;
    return (
      (a === 172 && b >= 16 && b <= 31) ||
      (a === 192 && b === 168) ||
      (a === 169 && b === 254) ||
      (a === 100 && b >= 64 && b <= 127)
    );
  }
  return address === '::' || address === '::1' || /^f[cdef]/.test(address);
}
