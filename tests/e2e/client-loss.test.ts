/** A4: what was lost on the way, measured by the numbers of our SDKs, against what the test knows of the way. */
import { createTidemark } from '@tidemark/node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openGate } from '../sdks/gate.ts';
import type { Gate } from '../sdks/gate.ts';
import { upTo } from '../sdks/stored.ts';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project } from './project.ts';

let server: ServerUnderTest;
let gate: Gate;
beforeAll(async () => {
  server = await ServerUnderTest.start();
  await server.ready();
  gate = await openGate(server.url);
});
afterAll(async () => {
  await gate?.close();
  await server?.stop();
});

it('shows what a proxy throws away, one request of a hundred, that said it had taken them', async () => {
  const project = await Project.create(server, 'behind a proxy');
  const clients = upTo(5).map(() => createTidemark({ writeKey: project.key, host: gate.url, flushOnExit: false, flushAt: 1_000 }));
  const send = async (n: number, events: number): Promise<void> => {
    for (const i of upTo(events)) await clients[n]!.track({ eventName: 'sold', userId: 'u1', properties: { n: i } });
    await clients[n]!.flush();
  };
  const sizeOf = (request: number): number => 1 + ((request * 7) % 5);
  gate.requests = 0;
  gate.mode = { kind: 'losing', percent: 1 };
  // 500 requests of 1 to 5 events from five processes at once: five are lost, of whichever.
  await Promise.all(
    upTo(5).map(async (n) => {
      for (const request of upTo(100)) await send(n, sizeOf(request));
    }),
  );
  expect(gate.requests).toBe(500);
  gate.mode = { kind: 'open' };
  for (const n of upTo(5)) await send(n, 1);
  // The fifth's last words are lost: there is no number after them.
  gate.mode = { kind: 'losing', percent: 100 };
  await send(4, 2);
  for (const client of clients) expect(await client.close(10_000)).toEqual({ left: 0 });
  project.receivedAt = new Date().toISOString();
  const arrived = (await project.export()).length;
  // Without the fifth's last two.
  const lost = 5 * (1 + upTo(100).reduce((sum, request) => sum + sizeOf(request), 0)) - arrived;
  const { clientLoss } = await project.api('/api/pipeline');
  expect(lost).toBeGreaterThanOrEqual(5);
  expect(clientLoss.sources).toMatchObject([{ devices: 5, arrived, expected: arrived + lost, lost, reported: 0, refused: 0, doubtful: 0 }]);
});

it('believes one device only so much: neither a forged number nor forged drops drown what others lost', async () => {
  const project = await Project.create(server, 'forged');
  const numbered = (anonymousId: string, sequence: number, context: object = {}): object => ({
    eventId: `${anonymousId}-${sequence}`,
    eventName: 'x',
    anonymousId,
    sequence,
    context,
  });
  await project.send([
    ...[1, 2, 3, 7, 8].map((n) => numbered('honest', n)),
    numbered('forged', 1),
    numbered('forged', Number.MAX_SAFE_INTEGER),
    numbered('silent', 1),
    numbered('silent', 3, { library: { dropped: { overflow: 4_000_000_000 } } }),
  ]);
  await project.settled();
  const { clientLoss } = await project.api('/api/pipeline');
  expect(clientLoss.sources).toMatchObject([
    { devices: 3, arrived: 9, expected: 9 + 3 + 1_020 + 1, reported: 1, lost: 3 + 1_020, doubtful: 1 },
  ]);
});
