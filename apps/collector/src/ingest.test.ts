import { expect, it } from 'vitest';
import { event, startCollector } from './testing/server.ts';

it('takes a single event', async () => {
  await using collector = await startCollector();
  const sent = event({ properties: { price: 1.5 } });
  const { status, body } = await collector.post('/api/events', sent);
  expect(status).toBe(202);
  const [row] = collector.events();
  expect(body).toEqual({ status: 'accepted', eventId: sent['eventId'], receivedAt: new Date(row!.receivedAtMs).toISOString() });
  expect(row).toMatchObject({ project: 'shop', source: 'web', eventId: sent['eventId'], properties: '{"price":1.5}' });
  expect(collector.difference()).toBe(0);
});
