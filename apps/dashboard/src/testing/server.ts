/** A server that keeps the contract's promises to the page, in memory: one project, events in arrays, outcomes told live. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface MemoryServer {
  url: string;
  /** Events as they came. */
  events: Record<string, unknown>[];
  /** While true everything but the page is answered 503, as while the engine restarts. */
  away: boolean;
  jobs: Record<string, unknown>[];
  hubs: Record<string, unknown>[];
  replays: Record<string, unknown>[];
  close(): Promise<void>;
}

/** The parts of bodies that are looked at here. */
interface Body {
  eventId?: string;
  eventName?: string;
  breakdown?: string[];
  series?: [{ event: string }];
  steps?: { event: string }[];
}

export const TOKEN = 'tm_test';
const KEY = 'ctest0000000000000000key';

export async function startMemoryServer(html: string): Promise<MemoryServer> {
  const live = new Set<ServerResponse>();
  const seen = new Set<string>();
  const tally = {
    received: 0,
    stored: 0,
    duplicate: 0,
    conflict: 0,
    quarantined: 0,
    filtered: 0,
    rejected: 0,
    pending: 0,
    difference: 0,
  };

  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => send(response, 500, { detail: String(error) }));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://x');
    if (url.pathname === '/') return void response.setHeader('content-type', 'text/html; charset=utf-8').end(html);
    if (self.away) return send(response, 503, { code: 'not_ready', detail: 'The engine is starting.' });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
    const bearer = request.headers.authorization?.slice(7) ?? url.searchParams.get('token');
    if (bearer !== (url.pathname === '/api/events' ? KEY : TOKEN))
      return send(response, 401, { code: 'unauthorized', detail: 'The API token is not known.' });
    route(url, body, response);
  }

  function route(url: URL, body: Body, response: ServerResponse): void {
    const now = new Date().toISOString();
    const meta = {
      asOf: now,
      completeThrough: now,
      provisionalFrom: now,
      approximate: false,
      rowsRead: self.events.length,
      elapsedMs: 3,
      sql: 'SELECT 1',
    };
    const [, , resource, id] = url.pathname.split('/').map(decodeURIComponent);
    if (url.pathname === '/api/projects')
      return send(response, 200, { current: 'p1', projects: [{ id: 'p1', name: 'Shop' }] });
    if (url.pathname === '/api/projects/p1/keys') return send(response, 200, { keys: [{ key: KEY }] });
    if (url.pathname === '/api/events') return accept(body, now, response);
    if (url.pathname === '/api/events/live') {
      live.add(response.writeHead(200, { 'content-type': 'text/event-stream' }));
      return void response.write('retry: 200\n\n');
    }
    if (url.pathname === '/api/pipeline') {
      const log = { partitions: [{ endOffset: tally.stored }] };
      const freshness = { p50Ms: 210, p99Ms: 900 };
      return send(response, 200, {
        balance: tally,
        lag: { records: 0, ms: 0 },
        freshness,
        watermark: now,
        asOf: now,
        log,
        disk: { stores: { log: 4096 } },
        identities: { hubs: self.hubs.length },
      });
    }
    if (url.pathname === '/api/jobs') return send(response, 200, { jobs: self.jobs });
    if (url.pathname === '/api/identities') return send(response, 200, { identities: self.hubs });
    if (url.pathname === '/api/quarantine/replay') {
      self.replays.push({ ...body });
      return send(response, 200, { passed: 1, events: tally.quarantined });
    }
    if (url.pathname === '/api/quarantine')
      return send(response, 200, { codes: [{ code: 'missing_name', events: tally.quarantined }] });
    if (url.pathname === '/api/analytics/trend') {
      const names = [...new Set(self.events.map(({ eventName }) => String(eventName)))];
      if (body.breakdown?.[0] === 'userId') return send(response, 200, { series: [], meta });
      if (body.breakdown) return send(response, 200, { series: names.map((name) => ({ breakdown: [name] })), meta });
      const users = usersOf(body.series?.[0].event).size;
      return send(response, 200, {
        series: [
          {
            total: users,
            points: [
              { time: now, value: users },
              { time: now, value: 0 },
            ],
          },
        ],
        meta,
      });
    }
    if (url.pathname === '/api/analytics/funnel') {
      const [a, b] = [usersOf(body.steps?.[0]?.event), usersOf(body.steps?.[1]?.event)];
      const users = [a.size, [...b].filter((user) => a.has(user)).length];
      const steps = users.map((n, i) => ({
        event: body.steps?.[i]?.event,
        users: n,
        fromStart: n / (users[0] || 1),
        medianSeconds: i === 0 ? null : 75,
      }));
      return send(response, 200, { steps, meta });
    }
    if (resource === 'users')
      return send(response, 200, { events: self.events.filter(({ userId }) => userId === id), nextCursor: null });
    const event = self.events.find(({ eventId }) => eventId === id);
    if (resource === 'events' && event)
      return send(response, 200, { outcome: 'stored', event, position: { offset: self.events.indexOf(event) } });
    send(response, 404, { code: 'not_found', detail: 'Nothing here.' });
  }

  function accept(body: Body, receivedAt: string, response: ServerResponse): void {
    tally.received += 1;
    const eventId = body.eventId ?? '';
    const outcome = !body.eventName ? 'quarantined' : seen.has(eventId) ? 'duplicate' : 'stored';
    tally[outcome] += 1;
    const event = { source: 'default', receivedAt, timestamp: receivedAt, ...body };
    if (outcome === 'stored') self.events.push(event);
    seen.add(eventId);
    send(response, outcome === 'quarantined' ? 400 : 202, { status: 'accepted', eventId, receivedAt });
    const why = outcome === 'quarantined' ? { code: 'missing_name', detail: 'Give the event a name.' } : {};
    const told = {
      outcome,
      eventId,
      eventName: body.eventName ?? '',
      ...why,
      ...(outcome === 'quarantined' ? {} : { event }),
    };
    setTimeout(
      () => live.forEach((reader) => reader.write(`event: ${outcome}\ndata: ${JSON.stringify(told)}\n\n`)),
      50,
    );
  }

  function usersOf(name: string | undefined): Set<unknown> {
    return new Set(self.events.filter(({ eventName }) => eventName === name).map(({ userId }) => userId));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: MemoryServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    events: [],
    away: false,
    jobs: [],
    hubs: [],
    replays: [],
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
