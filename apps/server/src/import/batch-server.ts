/** A small true batch endpoint for tests: keeps events by id, refuses nameless ones, and can be told to fail. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface BatchServer {
  url: string;
  /** First copy of each event by its id. */
  events: Map<string, Record<string, unknown>>;
  /** Events that arrived again. */
  duplicates: number;
  /** Statuses to answer the next requests with, before anything is looked at; `0` cuts the connection. */
  failures: number[];
  requests: number;
  close(): Promise<void>;
}

export async function startBatchServer(): Promise<BatchServer> {
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      state.requests++;
      const failure = state.failures.shift();
      if (failure === 0) return request.socket.destroy();
      if (failure !== undefined) return response.writeHead(failure, { 'retry-after': '1' }).end('{"detail":"not now"}');
      if (request.headers.authorization !== 'Bearer key')
        return response.writeHead(401).end('{"detail":"unknown key"}');
      response.writeHead(202).end(JSON.stringify(take(JSON.parse(Buffer.concat(chunks).toString()))));
    });
  });
  const state: BatchServer = {
    url: '',
    events: new Map(),
    duplicates: 0,
    failures: [],
    requests: 0,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  function take({ events }: { events: Record<string, unknown>[] }): object {
    const rejected: object[] = [];
    events.forEach((event, index) => {
      const eventId = String(event['eventId']);
      if (!event['eventName'])
        rejected.push({ index, eventId, code: 'missing_event_name', detail: 'No name.', quarantined: true });
      else if (state.events.has(eventId)) state.duplicates++;
      else state.events.set(eventId, event);
    });
    return { accepted: events.length - rejected.length, rejected };
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
}
