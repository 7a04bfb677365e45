/** A phone: storage that outlives the app, an app that comes and goes, a network, and a collector that keeps what it is sent. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AppStateLike, AsyncStorageLike, NetInfoLike } from '../platform.ts';

interface SentEvent {
  eventId: string;
  eventName?: string;
  type: string;
  sequence: number;
  timestamp: string | number;
  anonymousId: string;
  properties?: Record<string, unknown>;
  context: Record<string, unknown>;
}

export interface Phone {
  host: string;
  stored: Map<string, string>;
  storage: Extract<AsyncStorageLike, { multiGet: unknown }>;
  appState: AppStateLike;
  netInfo: NetInfoLike;
  /** In the order of arrival, each id once. */
  sent: SentEvent[];
  requests: number;
  become(state: 'active' | 'inactive' | 'background'): void;
  connect(isConnected: boolean, isConnectionExpensive?: boolean): void;
  close(): Promise<void>;
}

export async function createPhone(): Promise<Phone> {
  const stored = new Map<string, string>();
  const states = new Set<(state: string) => void>();
  const networks = new Set<(state: { isConnected: boolean | null; details?: unknown }) => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      phone.requests++;
      const { events } = JSON.parse(Buffer.concat(chunks).toString()) as { events: SentEvent[] };
      for (const event of events)
        if (!phone.sent.some(({ eventId }) => eventId === event.eventId)) phone.sent.push(event);
      response.writeHead(202, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ accepted: events.length, receivedAt: new Date().toISOString(), rejected: [] }));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const phone: Phone = {
    host: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stored,
    storage: {
      getAllKeys: async () => [...stored.keys()],
      multiGet: async (keys) => keys.map((key) => [key, stored.get(key) ?? null] as const),
      setItem: async (key, value) => void stored.set(key, value),
      multiRemove: async (keys) => keys.forEach((key) => stored.delete(key)),
    },
    appState: {
      addEventListener(_, listener) {
        states.add(listener);
        return { remove: () => states.delete(listener) };
      },
    },
    netInfo: {
      addEventListener(listener) {
        networks.add(listener);
        return () => networks.delete(listener);
      },
    },
    sent: [],
    requests: 0,
    become: (state) => states.forEach((listener) => listener(state)),
    connect: (isConnected, isConnectionExpensive = false) =>
      networks.forEach((listener) => listener({ isConnected, details: { isConnectionExpensive } })),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  return phone;
}
