/** A server of one route that keeps what it takes and answers as it is told: the other end of the wire, in memory. */
import type { Answer, Transport } from '../ports.ts';

/** `lost`: the request never arrives. `unanswered`: it is taken, and nobody hears of it. `broken`: the answer ends in its middle. */
export type Fault = 'none' | 'lost' | 'unanswered' | 'broken' | 'portal' | { status: number; retryAfter?: string };

interface ReceivedEvent {
  eventId: string;
  eventName?: string;
  userId?: string;
  anonymousId: string;
  sessionId: string;
  sequence: number;
  timestamp: string;
  properties?: Record<string, unknown>;
  context: {
    library: { dropped?: Record<string, number> };
    instanceId?: string;
    consent?: { categoryPreferences: Record<string, boolean> };
    groupId?: string;
  };
}

export interface ScriptedCollector extends Transport {
  /** Faults of the next requests, then none. */
  faults: Fault[];
  /** Every batch that came, faults or not. */
  requests: { sentAt: string; events: ReceivedEvent[]; texts: string[]; body: string }[];
  /** First copies, in the order of their arrival. */
  stored: ReceivedEvent[];
  /** Called at the beginning of each request. */
  onRequest: () => void;
}

/** Bodies over `maxBytes` are 413; a batch with an event named `poison` is 400. */
export function createScriptedCollector(maxBytes = 1_000_000): ScriptedCollector {
  const seen = new Map<string, string>();
  function take(body: string): Answer {
    const { sentAt, events } = JSON.parse(body) as { sentAt: string; events: ReceivedEvent[] };
    const texts = events.map((each) => JSON.stringify(each));
    collector.requests.push({ sentAt, events, texts, body });
    if (body.length > maxBytes) return { status: 413, body: '{}' };
    if (events.some(({ eventName }) => eventName === 'poison')) return { status: 400, body: '{}' };
    for (const [i, event] of events.entries()) {
      const first = seen.get(event.eventId);
      if (first !== undefined && first !== texts[i]) throw new Error(`two contents of ${event.eventId}`);
      if (first === undefined) collector.stored.push(event);
      seen.set(event.eventId, texts[i]!);
    }
    return {
      status: 202,
      body: JSON.stringify({ accepted: events.length, receivedAt: '2026-01-01T00:00:00.000Z', rejected: [] }),
    };
  }
  const collector: ScriptedCollector = {
    faults: [],
    requests: [],
    stored: [],
    onRequest: () => {},
    async send(body) {
      collector.onRequest();
      const fault = collector.faults.shift() ?? 'none';
      if (fault === 'lost') throw new TypeError('Failed to fetch');
      if (fault === 'portal') return { status: 200, body: '<html>Please log in</html>' };
      if (typeof fault === 'object') return { status: fault.status, body: '{}', retryAfter: fault.retryAfter };
      const answer = take(body);
      if (fault === 'unanswered') throw new TypeError('Failed to fetch');
      return fault === 'broken' && answer.status === 202 ? { status: 202, body: undefined } : answer;
    },
    handOver(body) {
      collector.onRequest();
      if (collector.faults.shift() !== 'lost') take(body);
      return true;
    },
  };
  return collector;
}
