/** The Node SDK's middleware in express and fastify as npm has them: the page's ids reach an event wherever a request's work captures it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createTidemark } from '@tidemark/node';
import type { TidemarkClient } from '@tidemark/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installed, requireClient } from '../clients/installed.ts';

const folder = installed(join(import.meta.dirname, 'frameworks.json'), 'frameworks');

type Handler = (request: { body: { n: number } }, response: { end(): void; send(body: string): void }) => unknown;
interface App {
  use(handler: unknown): void;
  post(path: string, handler: Handler): void;
  listen(port: number, host: string): { address(): { port: number }; close(): void };
}
interface FastifyApp {
  addHook(name: string, handler: unknown): void;
  post(path: string, handler: Handler): void;
  listen(at: { port: number; host: string }): Promise<string>;
  close(): Promise<void>;
}

/** Starts a backend that captures one event in the work of each POST; its address, and how to end it. */
const FRAMEWORKS: Record<string, (client: TidemarkClient, work: Handler) => Promise<[string, () => unknown]>> = {
  async express(client, work) {
    const express = requireClient<(() => App) & { json(): unknown }>(folder!, 'express');
    const app = express();
    app.use(client.middleware());
    app.use(express.json());
    app.post('/', work);
    const server = app.listen(0, '127.0.0.1');
    await once(server as never, 'listening');
    return [`http://127.0.0.1:${server.address().port}/`, () => server.close()];
  },
  async fastify(client, work) {
    const app = requireClient<() => FastifyApp>(folder!, 'fastify')();
    app.addHook('onRequest', client.middleware());
    app.post('/', async (request, response) => {
      await work(request, { end: () => {}, send: () => {} });
      response.send('done');
    });
    return [await app.listen({ port: 0, host: '127.0.0.1' }), () => app.close()];
  },
};

interface Captured {
  anonymousId?: string;
  sessionId?: string;
  properties: { n: number };
  context: { page?: { url: string }; userAgent?: string; ip?: string };
}

describe.skipIf(!folder)('the middleware', () => {
  const arrived: Captured[] = [];
  const collector = createServer((request, response) => void take(request, response));
  beforeAll(() => new Promise<void>((done) => collector.listen(0, '127.0.0.1', done)));
  afterAll(() => new Promise<void>((done) => collector.close(() => done()).closeAllConnections()));

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const text = String(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
    const { events } = JSON.parse(text) as { events: Captured[] };
    arrived.push(...events);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ accepted: events.length, receivedAt: '2026-01-01T00:00:00.000Z', rejected: [] }));
  }

  it.each(Object.keys(FRAMEWORKS))('of %s carries the ids of each of many requests at once, past the reading of their bodies', async (kind) => {
    arrived.length = 0;
    const { port } = collector.address() as { port: number };
    const client = createTidemark({ host: `http://127.0.0.1:${port}`, writeKey: 'k'.repeat(25), flushOnExit: false });
    const [url, end] = await FRAMEWORKS[kind]!(client, async ({ body }, response) => {
      // As a database would be asked in between.
      await new Promise((done) => setTimeout(done, 5 + (body.n % 7)));
      await client.track({ eventName: 'ordered', properties: { n: body.n } });
      response.end();
    });
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        fetch(url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            referer: `https://shop.example/${n}`,
            'x-tidemark-anonymous-id': `device-${n}`,
            'x-tidemark-session-id': `session-${n}`,
          },
          // Larger than what comes with the headers: its end is read later.
          body: JSON.stringify({ n, text: 'x'.repeat(n % 2 ? 10 : 80_000) }),
        }).then((response) => response.arrayBuffer()),
      ),
    );
    expect(await client.close(10_000)).toEqual({ left: 0 });
    await end();
    arrived.sort((a, b) => a.properties.n - b.properties.n);
    const expected = Array.from({ length: 40 }, (_, n) => [n, `device-${n}`, `session-${n}`, `https://shop.example/${n}`]);
    expect(arrived.map(({ properties, anonymousId, sessionId, context }) => [properties.n, anonymousId, sessionId, context.page?.url])).toEqual(expected);
  });
});
