/** Parts of the URLs that clients send, by hand: `new URL` takes a microsecond and refuses what pages really send. */

/** Host in lower case without port and `www.`, `''` when the text is no absolute URL. `android-app://x/` gives `x`. */
export function hostOf(url: string): string {
  const scheme = url.indexOf('://');
  if (scheme <= 0) return '';
  let start = scheme + 3;
  let end = endOfAny(url, start, '/?#');
  const user = url.lastIndexOf('@', end - 1);
  if (user >= start) start = user + 1;
  // The colon of a port; those inside brackets belong to an IPv6 address.
  const colon = url.indexOf(':', url.charCodeAt(start) === 91 ? url.indexOf(']', start) : start);
  if (colon > start && colon < end) end = colon;
  const host = url.slice(start, end).toLowerCase();
  return host.startsWith('www.') ? host.slice(4) : host;
}

/** Path of an absolute or relative URL, `/` when it has none, `''` for no URL. */
export function pathOf(url: string): string {
  if (url === '') return '';
  const scheme = url.indexOf('://');
  const start = scheme === -1 ? 0 : endOfAny(url, scheme + 3, '/?#');
  const end = endOfAny(url, start, '?#');
  const path = url.slice(start, end);
  return path === '' && scheme !== -1 ? '/' : path;
}

/** What stands between `?` and `#`, `''` when there is none. */
export function queryOf(url: string): string {
  const mark = url.indexOf('?');
  if (mark === -1) return '';
  const hash = url.indexOf('#', mark);
  return hash === -1 ? url.slice(mark + 1) : url.slice(mark + 1, hash);
}

/** True when one host is the other or a part of it: `shop.example.com` and `example.com` are one site. */
export function isSameSite(one: string, other: string): boolean {
  if (one === '' || other === '') return false;
  return one === other || one.endsWith(`.${other}`) || other.endsWith(`.${one}`);
}

function endOfAny(text: string, from: number, marks: string): number {
  for (let at = from; at < text.length; at++) {
    if (marks.includes(text.charAt(at))) return at;
  }
  return text.length;
}
