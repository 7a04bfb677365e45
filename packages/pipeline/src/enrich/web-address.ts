/** Parts of the URLs that clients send, by hand: `new URL` takes a microsecond and refuses what pages really send. */

/** Host in lower case without port and `www.`, `''` when the text is no absolute URL. `android-app://x/` gives `x`. */
export function hostOf(url: string): string {
  const scheme = url.indexOf('://');
  if (scheme <= 0) return '';
  let host = authorityOf(url, scheme + 3);
  host = host.slice(host.lastIndexOf('@') + 1);
  const bracket = host.charCodeAt(0) === 91 ? host.indexOf(']') : 0;
  const port = host.indexOf(':', bracket);
  if (port !== -1 && bracket !== -1) host = host.slice(0, port);
  host = host.toLowerCase();
  return host.startsWith('www.') ? host.slice(4) : host;
}

/** Path of an absolute or relative URL, `/` when it has none, `''` for no URL. */
export function pathOf(url: string): string {
  if (url === '') return '';
  const scheme = url.indexOf('://');
  const path = beforeQuery(url.slice(scheme === -1 ? 0 : scheme + 3 + authorityOf(url, scheme + 3).length));
  return path === '' && scheme !== -1 ? '/' : path;
}

/** What stands between `?` and `#`, `''` when there is none. */
export function queryOf(url: string): string {
  const mark = url.indexOf('?');
  if (mark === -1) return '';
  const hash = url.indexOf('#');
  if (hash === -1) return url.slice(mark + 1);
  return hash < mark ? '' : url.slice(mark + 1, hash);
}

/** True when one host is the other or a part of it: `shop.example.com` and `example.com` are one site. */
export function isSameSite(one: string, other: string): boolean {
  if (one === '' || other === '') return false;
  if (one.length === other.length) return one === other;
  return one.length > other.length ? isPartOf(one, other) : isPartOf(other, one);
}

function isPartOf(host: string, site: string): boolean {
  return host.endsWith(site) && host.charCodeAt(host.length - site.length - 1) === 46;
}

/** What stands from `from` to the path, the query or the fragment. */
function authorityOf(url: string, from: number): string {
  const slash = url.indexOf('/', from);
  return beforeQuery(slash === -1 ? url.slice(from) : url.slice(from, slash));
}

function beforeQuery(text: string): string {
  const hash = text.indexOf('#');
  const mark = text.indexOf('?');
  if (hash === -1 && mark === -1) return text;
  return text.slice(0, mark === -1 || (hash !== -1 && hash < mark) ? hash : mark);
}
