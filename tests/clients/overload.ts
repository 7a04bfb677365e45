/** An outage as clients meet it: they track evenly while it lasts, then the collector is back, and what has come is counted. */
import { openGate } from '../sdks/gate.ts';
import type { Gate } from '../sdks/gate.ts';

interface Fault {
  begin(gate: Gate): void;
  end(gate: Gate): Promise<void>;
}

/** How a collector may fail its clients, by the name of its column in docs/clients.md. */
export const FAULTS: Record<string, Fault> = {
  '503': answering(503),
  '503, Retry-After': answering(503, '3'),
  '429': answering(429),
  '429, Retry-After': answering(429, '3'),
  // Whoever waits without end is cut off when the collector comes back, as by its restart.
  'no answer': {
    begin: (gate) => void (gate.mode = { kind: 'hanging' }),
    async end(gate) {
      gate.mode = { kind: 'open' };
      await gate.shut();
      await gate.reopen();
    },
  },
  'connection reset': { begin: (gate) => void (gate.mode = { kind: 'resetting' }), end: open },
  'held 20 s': held(20_000),
};

/** No fault, but what is done for clients that never try again: each request is taken after a while. */
export function held(ms: number): Fault {
  return { begin: (gate) => void (gate.mode = { kind: 'slow', ms }), end: open };
}

function answering(status: number, retryAfter?: string): Fault {
  const mode = retryAfter === undefined ? { status } : { status, retryAfter };
  return { begin: (gate) => void (gate.mode = { kind: 'answering', ...mode }), end: open };
}

// oxlint-disable-next-line require-await -- as the others
async function open(gate: Gate): Promise<void> {
  gate.mode = { kind: 'open' };
}

export interface TrackingClient {
  track(event: string, properties: object): unknown;
  close(): Promise<unknown>;
}

export interface Outage {
  fault: Fault;
  /** How long it lasts. */
  ms: number;
  /** Tracked while it lasts, at equal distances. */
  events: number;
}

/** What all events of all outages are called; their property `cell` tells one from the other, `n` counts within it. */
export const OUTAGE_EVENT = 'outage';

/**
 * One client through one outage, behind a gate of its own. `settled` resolves when all is stored, or nobody wants to
 * wait any longer; then the client is closed.
 */
export async function throughOutage(
  target: string,
  cell: string,
  outage: Outage,
  start: (host: string) => TrackingClient | Promise<TrackingClient>,
  settled: (cell: string) => Promise<unknown>,
): Promise<void> {
  const gate = await openGate(target);
  const client = await start(gate.url);
  outage.fault.begin(gate);
  for (let n = 0; n < outage.events; n++) {
    await client.track(OUTAGE_EVENT, { cell, n });
    await new Promise((end) => setTimeout(end, outage.ms / outage.events));
  }
  await outage.fault.end(gate);
  await settled(cell);
  await client.close();
  await gate.close();
}
