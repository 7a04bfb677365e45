/** What an operator lets a question take reaches the engine, and who asks for more is told so. */
import { expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project } from './project.ts';

it('a question that takes more memory than it may is refused, names what to ask less of, and others are answered', async () => {
  const server = await ServerUnderTest.start({ env: { TIDEMARK_QUESTION_MEMORY_MB: '2', TIDEMARK_QUESTION_TIMEOUT_SECONDS: '30' } });
  try {
    const shop = await Project.first(server);
    const events = Array.from({ length: 5_000 }, (_, i) => ({ eventId: `e${i}`, eventName: 'view', userId: `u${i}`, properties: { page: `/${i}` } }));
    const waitFor = await shop.send(events);
    const refused = await server.request('/api/analytics/trend', { series: [{ event: 'view', measure: 'users' }], range: 'last 7d', breakdown: ['properties.page'], limit: 100, waitFor });
    expect([refused.status, await refused.json()]).toEqual([422, expect.objectContaining({ code: 'question_too_expensive', field: 'breakdown' })]);
    expect((await server.request('/api/pipeline')).status).toBe(200);
    const light = await server.ask<{ series: { total: number }[] }>('/api/analytics/trend', { series: [{ event: 'nothing' }], range: 'today' });
    expect(light.series[0]?.total).toBe(0);
  } finally {
    await server.stop();
  }
});
