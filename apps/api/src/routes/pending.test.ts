import { expect, it } from 'vitest';
import { TestEngine } from '../testing/engine.ts';

it('an event is followed from the log into the stores', async () => {
  const engine = await TestEngine.start({}, { processing: false });
  try {
    await engine.collect([{ eventId: 'p0', eventName: 'view', userId: 'ada' }]);
    await engine.collect([
      { eventId: 'p1', eventName: 'view', userId: 'ada', properties: { n: 1 } },
      { eventId: 'p2', eventName: 'view', userId: 'ada' },
    ]);
    const pending = (await engine.call('GET', '/api/events/p1')).json();
    expect(pending).toMatchObject({
      outcome: 'pending',
      position: { offset: 1 },
      lag: { recordsBefore: 1 },
      event: { properties: { n: 1 } },
    });
    expect((await engine.call('GET', '/api/pipeline')).json()).toMatchObject({
      balance: { received: 3, pending: 3, stored: 0 },
      lag: { records: 3 },
    });
    const unknown = await engine.call('GET', '/api/events/p9');
    expect(unknown.json()).toMatchObject({
      status: 404,
      code: 'event_not_found',
      pending: 3,
      detail: expect.stringContaining('3 events'),
    });

    engine.process();
    await engine.settled();
    const stored = (await engine.call('GET', '/api/events/p1')).json();
    expect(stored).toMatchObject({
      outcome: 'stored',
      position: pending.position,
      event: pending.event,
      time: pending.time,
    });
    expect(stored.lag).toBeUndefined();
  } finally {
    await engine.stop();
  }
});
