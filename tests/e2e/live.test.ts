/** The stream of outcomes (DESIGN 5, live). */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, until, type Json } from './project.ts';

let server: ServerUnderTest;
let shop: Project;
let other: Project;

beforeAll(async () => {
  server = await ServerUnderTest.start();
  shop = await Project.first(server);
  other = await Project.create(server, 'Other');
});
afterAll(() => server.stop());

interface Frame {
  event: string;
  data: Json;
}

/** An EventSource as small as it gets; `close` ends it. */
async function watch(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ response: Response; frames: Frame[]; close(): void }> {
  const abort = new AbortController();
  const response = await fetch(`${server.url}${path}`, { headers, signal: abort.signal });
  const frames: Frame[] = [];
  void (async () => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk, { stream: true });
      const whole = text.split('\n\n');
      text = whole.pop()!;
      for (const frame of whole) {
        const lines = frame.split('\n');
        const data = lines
          .filter((line) => line.startsWith('data:'))
          .map((line) => line.slice(5))
          .join('\n');
        const event = lines
          .find((line) => line.startsWith('event:'))
          ?.slice(6)
          .trim();
        if (event !== undefined) frames.push({ event, data: JSON.parse(data) as Json });
      }
    }
  })().catch(() => {});
  return { response, frames, close: () => abort.abort() };
}

const live = (): ReturnType<typeof watch> => watch('/api/events/live', { authorization: `Bearer ${shop.token}` });

it('tells each outcome after the commit: the event can be asked for then', async () => {
  const stream = await live();
  expect(stream.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  await shop.post('/api/events/batch', {
    events: [{ eventId: 'l1', eventName: 'seen', anonymousId: 'a' }, { eventId: 'l2' }],
  });
  await until(async () => stream.frames.length >= 2, 'two outcomes');
  expect(await shop.api('/api/events/l1')).toMatchObject({ outcome: 'stored' });
  await shop.send([{ eventId: 'l1', eventName: 'seen', anonymousId: 'a' }]);
  await until(async () => stream.frames.length >= 3, 'the duplicate');
  stream.close();
  const outcomes = stream.frames.map(({ event, data }) => [event, data['outcome'], data['eventId']]);
  expect(outcomes.slice(0, 2)).toEqual(
    expect.arrayContaining([
      ['stored', 'stored', 'l1'],
      ['quarantined', 'quarantined', 'l2'],
    ]),
  );
  expect(outcomes[2]).toEqual(['duplicate', 'duplicate', 'l1']);
});

it('takes the token in the query, on this route only', async () => {
  const stream = await watch(`/api/events/live?token=${shop.token}`);
  expect(stream.response.status).toBe(200);
  stream.close();
  for (const path of ['/api/pipeline', '/api/quarantine', '/api/projects', '/api/users/u/timeline', '/api/events/l1']) {
    expect([path, (await fetch(`${server.url}${path}?token=${shop.token}`)).status]).toEqual([path, 401]);
  }
  expect((await fetch(`${server.url}/api/events/live`)).status).toBe(401);
  expect((await fetch(`${server.url}/api/events/live?token=wrong`)).status).toBe(401);
  expect(server.output).not.toContain(`token=${shop.token}"`);
});

it("tells nothing of another project's events", async () => {
  const stream = await live();
  await other.send([{ eventId: 'secret', eventName: 'seen', anonymousId: 'a' }]);
  await other.settled();
  await shop.send([{ eventId: 'mine', eventName: 'seen', anonymousId: 'a' }]);
  await until(async () => stream.frames.some(({ data }) => data['eventId'] === 'mine'), 'our own event');
  stream.close();
  expect(stream.frames.map(({ data }) => data['eventId'])).not.toContain('secret');
});

it('can be narrowed to outcomes and names', async () => {
  const stream = await watch(`/api/events/live?token=${shop.token}&outcome=stored&eventName=wanted`);
  await shop.send([
    { eventId: 'n1', eventName: 'unwanted', anonymousId: 'a' },
    { eventId: 'n2', eventName: 'wanted', anonymousId: 'a' },
  ]);
  await until(async () => stream.frames.length > 0, 'an outcome');
  stream.close();
  expect(stream.frames.map(({ data }) => data['eventId'])).toEqual(['n2']);
});
