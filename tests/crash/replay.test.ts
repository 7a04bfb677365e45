/**
 * kill -9 of collector, engine or both while quarantined events are replayed and clients send some of them again as they
 * should have been: each is stored once, and has left the quarantine once.
 * `TIDEMARK_REPLAY_KILLS=20` kills more often; `TIDEMARK_SEED=…` does the same again.
 */
import { expect, it } from 'vitest';
import { Project, until } from '../e2e/project.ts';
import { ServerUnderTest } from '../server-under-test.ts';
import { seededRandom } from './ledger.ts';

const KILLS = Number(process.env['TIDEMARK_REPLAY_KILLS'] ?? 2);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
/** Of each round; several lots of them. */
const EVENTS = 900;
const PATCH = [{ op: 'rename', field: 'properties.name', to: 'eventName' }];

it.skipIf(process.platform !== 'linux')(`R4, R6, A1: ${KILLS} kills -9 amid replays and copies leave each event stored once (seed ${SEED}; by /proc, so on Linux alone)`, async () => {
  const random = seededRandom(SEED);
  const server = await ServerUnderTest.start();
  try {
    await server.ready();
    const project = await Project.first(server);
    const replay = async (): Promise<{ status: number; passed: number }> => {
      const response = await project.request('/api/quarantine/replay', { body: { patch: PATCH, limit: 10_000 } }).catch(() => undefined);
      const text = (await response?.text().catch(() => '{}')) || '{}';
      return { status: response?.status ?? 0, passed: (JSON.parse(text) as { passed?: number }).passed ?? 0 };
    };
    const ids: string[] = [];
    for (let round = 0; round <= KILLS; round++) {
      const wrong = Array.from({ length: EVENTS }, (_, n) => ({ eventId: `${round}-${n}`, userId: 'u', properties: { name: 'bought' } }));
      ids.push(...wrong.map(({ eventId }) => eventId));
      const answer = await project.post('/api/events/batch', { events: wrong });
      expect([answer.status, ((await answer.json()) as { accepted: number }).accepted]).toEqual([202, 0]);
      await until(async () => (await project.api('/api/pipeline'))['balance'].pending === 0, 'the quarantine');
      const copies = wrong.filter(() => random() < 0.1).map((event) => ({ ...event, eventName: 'bought' }));
      const asked = [replay(), replay()];
      const sent = project.post('/api/events/batch', { events: copies }).then((response) => response.text(), () => '');
      if (round < KILLS) {
        await new Promise((resolve) => setTimeout(resolve, random() * 250));
        const which = random();
        if (which < 0.7) server.kill('engine');
        if (which > 0.4) server.kill('collector');
      }
      await Promise.all([...asked, sent]);
      await server.ready();
    }
    await until(async () => (await replay()).status === 200, 'the last replay');
    await until(async () => (await project.api('/api/pipeline'))['balance'].pending === 0, 'everything to be stored');
    const { balance } = await project.api('/api/pipeline');
    const stored = (await project.export()).map(({ eventId }) => eventId as string);
    expect(stored.toSorted(), `seed ${SEED}`).toEqual(ids.toSorted());
    // Whether copies whose sender got no answer were taken is not known; what is, is counted.
    expect(balance, `seed ${SEED}`).toMatchObject({ stored: ids.length, quarantined: 0, pending: 0, difference: 0, duplicate: balance['received'] - ids.length });
    expect(await replay()).toEqual({ status: 200, passed: 0 });
    expect((await project.api('/api/quarantine?state=replayed&limit=1'))['codes']).toEqual([{ code: 'missing_event_name', events: ids.length }]);
  } finally {
    await server.stop();
  }
}, 180_000 + KILLS * 30_000);
