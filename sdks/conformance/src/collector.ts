import type { CollectorAnswer } from './case.ts';

/** What a case needs to know of an event that arrived. */
export interface ArrivedEvent {
  eventId: string;
  eventName?: string;
  type: string;
  userId?: string;
  anonymousId?: string;
  sequence: number;
  timestamp: string;
  context: { library: { dropped?: Record<string, number> } };
}

export interface WireAnswer {
  status: number;
  body: string | undefined;
  retryAfter?: string | undefined;
}

/** A collector that answers as a case tells it, and takes everything else. */
export class CaseCollector {
  answers: CollectorAnswer[] = [];
  requests = 0;
  /** First copies, in the order of arrival. */
  readonly stored: ArrivedEvent[] = [];
  readonly #texts = new Map<string, string>();

  /** Rejects where no answer is heard. Throws when one id came with two contents. */
  send(body: string): WireAnswer {
    this.requests++;
    const told = this.answers.shift() ?? { status: 202 };
    if (told === 'lost') throw new TypeError('no network');
    if (typeof told === 'object' && told.status !== 202)
      return { status: told.status, body: told.text ?? JSON.stringify(told.body ?? {}), retryAfter: told.retryAfter };
    const { events } = JSON.parse(body) as { events: ArrivedEvent[] };
    for (const event of events) this.#take(event);
    if (told === 'unanswered') throw new TypeError('the connection was cut');
    if (told === 'broken') return { status: 202, body: undefined };
    return {
      status: 202,
      body: JSON.stringify(
        told.body ?? { accepted: events.length, receivedAt: '2026-01-01T00:00:00.000Z', rejected: [] },
      ),
    };
  }

  #take(event: ArrivedEvent): void {
    const text = JSON.stringify(event);
    const first = this.#texts.get(event.eventId);
    if (first === undefined) this.stored.push(event);
    else if (first !== text) throw new Error(`two contents of ${event.eventId}: ${first} and ${text}`);
    this.#texts.set(event.eventId, text);
  }
}
