import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { TestEngine, TOKEN } from './testing/engine.ts';

// Within 30 s: the connection's keep-alive time is 72.
it('closes as soon as the last answer is out, also where its reader keeps the connection', async () => {
  const waiting: (() => void)[] = [];
  const slow = await TestEngine.start({ jobs: { list: () => new Promise((resolve) => waiting.push(() => resolve([]))), run: async () => 'ended' } });
  const url = await slow.app.listen({ port: 0, host: '127.0.0.1' });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async (): Promise<number> => {
    const [answer] = (await once(get(`${url}/api/jobs`, { agent, headers: { authorization: `Bearer ${TOKEN}` } }), 'response')) as [IncomingMessage];
    await answer.resume().toArray();
    return answer.statusCode!;
  };
  const first = ask();
  await expect.poll(() => waiting.length).toBe(1);
  const closed = slow.app.close();
  await expect.poll(() => slow.app.server.listening).toBe(false);
  waiting[0]!();
  expect(await first).toBe(200);
  await closed;
  agent.destroy();
  await slow.stop();
}, 30_000);
