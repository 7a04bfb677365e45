import { Agent, get } from 'node:http';
import { WrongCount } from '../oracle/counts.ts';
import { API_TOKEN } from '../server/server.ts';

export interface Person {
  id: string;
  /** How many were sent. */
  events: number;
}

/** What `timeline-process` is told: the last `limit` events of each of these people, or with `whole` all of them, counted. */
export interface TimelineOrder {
  port: number;
  limit: number;
  people: readonly Person[];
  whole?: boolean;
}

export interface TimelineResult {
  tookMs: number[];
  /** What an answer should not have been. */
  wrong?: string;
}

interface Page {
  events: { anonymousId: string; timestamp: string; sequence?: number; eventId: string }[];
  nextCursor: string | null;
}

/** One connection, one question after another, as the page of one person asks. */
export class TimelineReader {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(port: number) {
    this.#port = port;
  }

  /** Milliseconds of each question; throws WrongCount when an answer is not the last `limit` events of its person, latest first. `between`: done before each, not in its time. */
  async lastEvents(people: readonly Person[], limit: number, between: () => void): Promise<number[]> {
    const tookMs: number[] = [];
    for (const { id } of people) {
      between();
      const startedAt = performance.now();
      const text = await this.#get(`/api/users/${encodeURIComponent(id)}/timeline?limit=${limit}&order=desc`);
      tookMs.push(performance.now() - startedAt);
      const { events } = JSON.parse(text) as Page;
      const wrong = events.length !== limit ? `${events.length} events` : events.some((event) => event.anonymousId !== id) ? 'events of others' : orderFault(events);
      if (wrong !== undefined) throw new WrongCount([`last ${limit} events of ${id}: ${wrong}`]);
    }
    return tookMs;
  }

  /** Throws unless the pages of a person's timeline hold as many events as were sent, each once. */
  async checkWhole({ id, events }: Person): Promise<void> {
    const seen = new Set<string>();
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = JSON.parse(await this.#get(`/api/users/${encodeURIComponent(id)}/timeline?limit=1000${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)) as Page;
      for (const { eventId } of page.events) seen.add(eventId);
      cursor = page.nextCursor;
    }
    if (seen.size !== events) throw new WrongCount([`events in the timeline of ${id}: ${seen.size}, should be ${events}`]);
  }

  close(): void {
    this.#agent.destroy();
  }

  #get(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = get({ port: this.#port, host: '127.0.0.1', path, agent: this.#agent, headers: { authorization: `Bearer ${API_TOKEN}` } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${path} answered ${response.statusCode}: ${text}`));
        });
      });
      request.on('error', reject);
    });
  }
}

function orderFault(events: Page['events']): string | undefined {
  for (const [index, event] of events.entries()) {
    const before = events[index - 1];
    if (before === undefined || before.timestamp > event.timestamp) continue;
    const [a, b] = [before.sequence ?? 0, event.sequence ?? 0];
    if (before.timestamp < event.timestamp || a < b || (a === b && before.eventId <= event.eventId)) return `event ${index} is not before event ${index - 1}`;
  }
  return undefined;
}
