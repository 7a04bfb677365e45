import type { ServerUnderTest } from '../server-under-test.ts';

export interface StoredEvent {
  eventId: string;
  userId?: string;
  anonymousId?: string;
  sessionId?: string;
  sequence?: number;
  groupId?: string;
  previousId?: string;
  traits?: Record<string, unknown>;
  properties: { n: number } & Record<string, unknown>;
  context: Record<string, unknown>;
}

/** 0, 1, … below `count`: the numbers that a case gives its events. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Those that came, in order. */
export const numbersOf = (events: readonly StoredEvent[]): number[] =>
  events.map(({ properties }) => properties.n).sort((a, b) => a - b);

/** All events of that name that the warehouse holds, doubles too, by time; asked until there are `count` of them, or the time is over. */
export async function readStored(
  server: ServerUnderTest,
  eventName: string,
  count: number,
  withinMs = 30_000,
): Promise<StoredEvent[]> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const response = await server.request('/api/events/export', {
      format: 'ndjson',
      from: '-1d',
      to: new Date(Date.now() + 3_600_000).toISOString(),
      where: [{ property: 'eventName', op: '=', value: eventName }],
    });
    const lines = (await response.text()).split('\n').filter((line) => line !== '');
    if (lines.length >= count || Date.now() > deadline) return lines.map((line) => JSON.parse(line) as StoredEvent);
    await new Promise((end) => setTimeout(end, 100));
  }
}
