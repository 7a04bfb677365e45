/** The generator against small servers of our own: what it counts, and what its latency hides, which must be nothing. */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { BatchTemplate } from '../../bench/generate/events.ts';
import { runLoad, type LoadPlan } from '../../bench/generate/load.ts';

let server: Server;
afterEach(() => server?.close());

async function plan(handler: RequestListener, more: Partial<LoadPlan>): Promise<LoadPlan> {
  server = createServer((request, response) => {
    request.resume().on('end', () => handler(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, path: '/', writeKey: 'k', seconds: 0.6, connections: 4, eventsPerBatch: 10, ...more };
}

const accept: RequestListener = (_, response) => answer(response, 202, '{"accepted":10}');

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-length': body.length }).end(body);
}

it('counts what was sent and how it was answered', async () => {
  let requests = 0;
  const mixed: RequestListener = (request, response) => (++requests % 5 === 0 ? answer(response, 503, '{}') : accept(request, response));
  const result = await runLoad(await plan(mixed, { events: 500, seconds: 10 }));
  expect(result).toMatchObject({ sent: 500, accepted: 400, refused: { 503: 100 }, unanswered: 0, unsent: 0 });
});

it('does not count what was never answered as accepted or refused', async () => {
  let requests = 0;
  const cut: RequestListener = (request, response) => (++requests === 7 ? void request.socket.destroy() : accept(request, response));
  const result = await runLoad(await plan(cut, { events: 200, seconds: 10 }));
  expect(result).toMatchObject({ sent: 200, accepted: 190, unanswered: 10 });
});

it('counts latency from when a batch was due, so that a server that stalls cannot hide it', async () => {
  let until = 0;
  const stalled: RequestListener = (request, response) => {
    until ||= Date.now() + 600;
    setTimeout(() => accept(request, response), Math.max(0, until - Date.now()));
  };
  const { latency } = await runLoad(await plan(stalled, { eventsPerSecond: 500, connections: 2, seconds: 2 }));
  // 30 of 100 batches were due in the stall; from when they were sent at last, all but two took no time at all.
  expect(latency.maxMs).toBeGreaterThan(550);
  expect(latency.p90Ms).toBeGreaterThan(300);
});

it('tells what an overloaded server never got to see', async () => {
  const slow: RequestListener = (request, response) => void setTimeout(() => accept(request, response), 50);
  const result = await runLoad(await plan(slow, { eventsPerSecond: 10_000, connections: 2 }));
  expect(result.unsent).toBeGreaterThan(result.sent);
  expect(result.sent + result.unsent).toBe(6_000);
  expect(result.latency.p99Ms).toBeGreaterThan(300);
});

it('ends a closed loop when it is told to, with every answer counted', async () => {
  const ending = new AbortController();
  let requests = 0;
  const told: RequestListener = (request, response) => {
    if (++requests === 20) ending.abort();
    accept(request, response);
  };
  const result = await runLoad(await plan(told, { seconds: 3_600 }), ending.signal);
  expect(result.accepted).toBe(requests * 10);
  expect(result).toMatchObject({ sent: result.accepted, unanswered: 0 });
  // What was on its way on the other connections, and nothing after it.
  expect(requests).toBeLessThan(20 + 4);
});

it('makes ids that are new each time, but for those that are to be repeated', () => {
  const template = new BatchTemplate(3, 50);
  const idsOf = (body: Buffer) => (JSON.parse(body.toString()) as { events: { eventId: string }[] }).events.map(({ eventId }) => eventId);
  const first = idsOf(template.fill(Date.now(), [255, 49_999_999]));
  const second = idsOf(template.fill(Date.now()));
  expect(first.slice(0, 2)).toEqual(['5eed0000-0000-4000-8000-0000000000ff', '5eed0000-0000-4000-8000-000002faf07f']);
  expect(new Set([...first, ...second]).size).toBe(100);
  expect([...first.slice(2), ...second].every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
  expect(template.bytesPerEvent).toBeGreaterThan(900);
});
