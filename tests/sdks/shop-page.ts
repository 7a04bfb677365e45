/** A site of a few pages that uses the browser SDK, built from its source as a customer's bundler would. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rolldown } from 'rolldown';
import { ROOT } from '../architecture/sources.ts';

export interface Site {
  url: string;
  /** Sent with every page. */
  headers: Record<string, string>;
  /** Pages of their own, by path. */
  pages: Record<string, string>;
  close(): Promise<void>;
}

/**
 * The code of an entry of sdks/browser: as a classic script that leaves its exports in `window[name]`, or as the module
 * that it is within a customer's own bundle.
 */
export async function bundleSdk(entry: string, name = 'Sdk', format: 'iife' | 'esm' = 'iife'): Promise<string> {
  const build = await rolldown({
    input: `${ROOT}/sdks/browser/src/${entry}`,
    resolve: { conditionNames: ['tidemark-source'] },
    platform: 'browser',
  });
  // Without the notes that one bundler leaves for the next: no page loads them.
  const { output } = await build.generate({ format, name, minify: true, comments: false });
  await build.close();
  return output[0].code;
}

/** `/` and every other path are pages with the client as `window.client`; `/frame` holds the same page in a frame without an origin. */
export async function openSite(sdk: string, options: Record<string, unknown>): Promise<Site> {
  const start = `window.client = Sdk.createTidemark({...${JSON.stringify(options)}, ...(window.more ?? {})});`;
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://x').pathname;
    if (path === '/sdk.js') return response.setHeader('content-type', 'text/javascript').end(sdk);
    if (path === '/start.js') return response.setHeader('content-type', 'text/javascript').end(start);
    for (const [header, value] of Object.entries(site.headers)) response.setHeader(header, value);
    response.setHeader('content-type', 'text/html; charset=utf-8');
    if (site.pages[path] !== undefined) return response.end(site.pages[path]);
    if (path === '/frame')
      return response.end('<!doctype html><iframe sandbox="allow-scripts" src="/inside"></iframe>');
    response.end(
      '<!doctype html><title>Shop</title><script src="/sdk.js"></script><script src="/start.js"></script><a href="/next">next</a>',
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const site: Site = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    headers: {},
    pages: {},
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  return site;
}
