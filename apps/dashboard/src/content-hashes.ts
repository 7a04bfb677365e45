import { createHash } from 'node:crypto';

/** The CSP sources for the one inline script and the one inline style of a page (CSP level 3, 2.3.1: hash-source). */
export function contentHashes(html: string): { script: string; style: string } {
  return { script: hashOf(html, 'script'), style: hashOf(html, 'style') };
}

function hashOf(html: string, tag: string): string {
  const [, text] = new RegExp(`<${tag}[^>]*>([^]*?)</${tag}>`).exec(html) ?? [];
  if (text === undefined) throw new Error(`the page has no <${tag}>`);
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
