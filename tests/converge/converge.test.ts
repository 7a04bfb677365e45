/**
 * Whatever comes late, twice, out of order, with wrong clocks, bad or conflicting, and whatever dies in between: at
 * quiescence every answer is the model's, and every order of arrival ends at the same answers, byte for byte.
 * `TIDEMARK_CONVERGE_RUNS=200` tries more histories; `TIDEMARK_SEED=…` does the same again (fast-check prints it).
 */
import { System, type Request } from '@tidemark/model';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../crash/ledger.ts';
import { answersByModel, answersOf, comparable } from './answers.ts';
import { FOUND } from './found-cases.ts';
import { histories, isBot, type History, type Step } from './history.ts';
import { Machine } from './machine.ts';
import { rearranged } from './rearrange.ts';

const RUNS = Number(process.env['TIDEMARK_CONVERGE_RUNS'] ?? 5);
const DAY_MS = 86_400_000;
const PROPERTY_RUN = {
  numRuns: RUNS,
  ...(process.env['TIDEMARK_SEED'] === undefined ? {} : { seed: Number(process.env['TIDEMARK_SEED']) }),
  // Bounded in time, so that a failure is shrunk and told (with its seed) before the test itself times out.
  interruptAfterTimeLimit: 40_000 + RUNS * 4_000,
};

let machine: Machine;
let projects = 0;
beforeAll(async () => {
  machine = await Machine.open();
});
afterAll(() => machine.close());

/** Runs a history in a project of its own, on the machine and in the model. */
async function run({ rules, steps }: History): Promise<{ project: string; system: System }> {
  const project = `p${++projects}`;
  const system = new System(isBot);
  system.setRules(project, rules);
  machine.setRules(project, rules);
  for (const step of steps) await take(step, project, system);
  await machine.settled();
  return { project, system };
}

async function take(step: Step, project: string, system: System): Promise<void> {
  if (step.do === 'restart') return machine.restartProcessor();
  if (step.do === 'die') return machine.dieAt(step.at);
  if (step.do === 'compact') return void (await machine.compact());
  if (step.do === 'decide') {
    machine.decide(project, step.decision);
    return system.decide(project, step.decision);
  }
  const request: Request = { ...step.request, project };
  machine.clockMs = Math.max(machine.clockMs, request.receivedAtMs);
  const ends = system.receive(request);
  const { accepted } = await machine.send(request);
  expect(accepted, 'answered at once').toBe(ends.filter((end) => end === 'stored' || end === 'duplicate' || end === 'conflict').length);
}

it('X1, X3, T4-T8, I1, A1: every answer is the model\'s at quiescence, whatever came and whatever died', async () => {
  await fc.assert(
    fc.asyncProperty(histories(), async (history) => {
      const { project, system } = await run(history);
      const expected = answersByModel(system, project, history.asked);
      expect(comparable(await answersOf(machine.asking(project), history.asked))).toEqual(expected);
      expect(await machine.processor.balance()).toMatchObject({ pending: 0, difference: 0 });
    }),
    { ...PROPERTY_RUN, examples: FOUND.map((history) => [history]) },
  );
}, 120_000 + RUNS * 10_000);

it('any order of arrival that keeps receivedAt, sentAt and the first copies ends at the same answers, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(histories({ minDeeds: 20, interruptions: 1 }), fc.nat(), async (history, seed) => {
      const { project } = await run(history);
      const requests = history.steps.flatMap((step) => (step.do === 'send' ? [step.request] : []));
      const decisions = history.steps.filter((step) => step.do === 'decide');
      const steps = [...decisions, ...rearranged(requests, history.rules, seededRandom(seed)).map((request): Step => ({ do: 'send', request }))];
      const { project: other } = await run({ ...history, steps });
      const [here, there] = [await answersOf(machine.asking(project), history.asked), await answersOf(machine.asking(other), history.asked)];
      expect(there).toEqual(here);
      expect(JSON.stringify(there)).toBe(JSON.stringify(here));
    }),
    PROPERTY_RUN,
  );
}, 120_000 + RUNS * 10_000);

// Without logins: whether a claim outlives the event that made it is not said yet.
it('T8: what retention deletes and what goes with a project stays away, also when copies of it come again', async () => {
  const rules = { bots: 'flag', retentionDays: 30 } as const;
  await fc.assert(
    fc.asyncProperty(histories({ minDeeds: 20, interruptions: 0, logins: false }), fc.integer({ min: 4 * 60, max: 9 * 60 }), async (history, minutes) => {
      const { project, system } = await run({ ...history, rules });
      const { project: purged, system: without } = await run({ ...history, rules });
      machine.clockMs = history.asked.fromMs + 30 * DAY_MS + minutes * 60_000;
      await machine.expire(project);
      system.expire(project, machine.clockMs);
      await machine.purge(purged);
      without.purge(purged);
      // The same requests again, as of then.
      for (const step of history.steps) if (step.do === 'send') await take(step, project, system);
      await machine.settled();
      expect(comparable(await answersOf(machine.asking(project), history.asked))).toEqual(answersByModel(system, project, history.asked));
      expect(comparable(await answersOf(machine.asking(purged), history.asked))).toEqual(answersByModel(without, purged, history.asked));
    }),
    { ...PROPERTY_RUN, numRuns: Math.ceil(RUNS / 4) },
  );
}, 120_000 + RUNS * 10_000);
