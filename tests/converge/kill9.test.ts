/**
 * kill -9 of the engine while a history comes in and people merge and cut, on the whole server with its jobs at work: at
 * quiescence it answers over HTTP what the model says. `TIDEMARK_CONVERGE_KILLS=20` kills more often; `TIDEMARK_SEED=…` does the same again.
 */
import { System, type IdentityDecision, type Request } from '@tidemark/model';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seededRandom } from '../crash/ledger.ts';
import { Project, until, type Json } from '../e2e/project.ts';
import { ServerUnderTest } from '../server-under-test.ts';
import { answersByModel, answersOf, comparable, type Asking, type Shown } from './answers.ts';
import { histories, isBot } from './history.ts';

const KILLS = Number(process.env['TIDEMARK_CONVERGE_KILLS'] ?? 2);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);

interface Round {
  requests: Omit<Request, 'project'>[];
  decisions: IdentityDecision[];
}

/** One history for each kill, and one after the last. */
function roundsOf(startMs: number): Round[] {
  const each = histories({ minDeeds: 30, maxDeeds: 40, interruptions: 0, startMs });
  const drawn = fc.sample(each, { seed: SEED, numRuns: KILLS + 1 });
  // Ids of their own: what a later history says of an id of an earlier one would all be conflicts.
  return drawn.map(({ steps }, round) => ({
    requests: steps.flatMap((step) => (step.do === 'send' ? [{ ...step.request, events: step.request.events.map((event) => named(event, round)) }] : [])),
    decisions: steps.flatMap((step) => (step.do === 'decide' ? [step.decision] : [])),
  }));
}

/** Resolves false when it was refused: of an id that no event names yet, of two that are one already, of two that nothing links. */
async function decided(project: Project, { verdict, a, b }: IdentityDecision): Promise<boolean> {
  const ids = [a, b].map((node) => ({ [node.startsWith('user ') ? 'userId' : 'anonymousId']: node.slice(node.indexOf(' ') + 1) }));
  const response = await project.request(`/api/identities/${verdict === 'merge' ? 'merge' : 'unmerge'}`, { body: { ids } });
  if (!response.ok) expect(['unknown_identity', 'same_person', 'not_linked']).toContain(((await response.json()) as Json)['code']);
  return response.ok;
}

function named(event: unknown, round: number): unknown {
  if (typeof event !== 'object' || event === null) return event;
  const { eventId } = event as { eventId?: string };
  return eventId === undefined ? event : { ...event, eventId: `${round}-${eventId}` };
}

function askingOver(project: Project): Asking {
  return {
    question: (kind, body) => project.api(`/api/analytics/${kind}`, body),
    exported: () => project.export() as Promise<Shown[]>,
    balance: async () => (await project.api('/api/pipeline'))['balance'],
    async timeline(id) {
      const events: Shown[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Json = await project.api(`/api/users/${encodeURIComponent(id)}/timeline?limit=50${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
        events.push(...(page['events'] as Shown[]));
        cursor = page['nextCursor'] as string | null;
      }
      return events;
    },
  };
}

it.skipIf(process.platform !== 'linux')(`X5, T4, I1: ${KILLS} kills -9 of the engine amid late, doubled and bad events, merges and cuts show in no answer (seed ${SEED}; by /proc, so on Linux alone)`, async () => {
  const random = seededRandom(SEED);
  const server = await ServerUnderTest.start({ env: { TIDEMARK_JOBS_EVERY_MS: '1000' } });
  try {
    await server.ready();
    const project = await Project.first(server);
    const startMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 8 * 3_600_000;
    const system = new System(isBot);
    let decisionsMade = 0;
    for (const [round, { requests, decisions }] of roundsOf(startMs).entries()) {
      const killAt = Math.floor(random() * requests.length);
      for (const [index, { sentAt, events }] of requests.entries()) {
        if (round < KILLS && index === killAt) server.kill('engine');
        // One after another, so that the log's order is theirs; intake goes on without the engine.
        const response = await project.post('/api/events/batch', { sentAt, events });
        expect(response.status).toBe(202);
        const { receivedAt } = (await response.json()) as { receivedAt: string };
        project.receivedAt = receivedAt;
        system.receive({ project: 'p', source: '', receivedAtMs: Date.parse(receivedAt), sentAt, events });
      }
      await server.ready();
      // The next kill comes after them.
      for (const decision of decisions) {
        if (!(await decided(project, decision))) continue;
        system.decide('p', decision);
        decisionsMade++;
      }
    }
    const asking = askingOver(project);
    await until(async () => (await asking.balance())['pending'] === 0, 'everything to be stored');
    const [sample] = fc.sample(histories({ startMs }), { seed: SEED, numRuns: 1 });
    // What came late by a device's wrong clock is set right by when it came: now.
    const asked = { ...sample!.asked, fromMs: startMs - 3 * 86_400_000, nowMs: Date.now() };
    const found = comparable(await answersOf(asking, asked));
    const expected = answersByModel(system, 'p', asked);
    const source = found.exported[0]!.source;
    expect(found).toEqual({ ...expected, exported: expected.exported.map((event) => ({ ...event, source })) });
    expect((await asking.balance())['difference']).toBe(0);
    console.log(`${expected.balance.received} events received, ${expected.balance.stored} stored, ${expected.balance.duplicate} copies, ${decisionsMade} merges and cuts`);
  } finally {
    await server.stop();
  }
}, 180_000 + KILLS * 30_000);
