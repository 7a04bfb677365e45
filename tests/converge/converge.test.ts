/**
 * Whatever comes late, twice, out of order, with wrong clocks, bad or conflicting, and whatever dies in between: at
 * quiescence every answer is the model's, and every order of arrival ends at the same answers, byte for byte.
 * `TIDEMARK_CONVERGE_RUNS=200` tries more histories; `TIDEMARK_SEED=…` does the same again (fast-check prints it).
 */
import { System, type Request } from '@tidemark/model';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../crash/ledger.ts';
import { answersByModel, answersOf, comparable, glance, glanceByModel } from './answers.ts';
import { CASES, type Case } from './found-cases.ts';
import { histories, isBot, type History, type Step } from './history.ts';
import { Machine } from './machine.ts';
import { MENDINGS, mended } from './mendings.ts';
import { rearranged } from './rearrange.ts';

const RUNS = Number(process.env['TIDEMARK_CONVERGE_RUNS'] ?? 2);
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

interface Run {
  project: string;
  system: System;
}

/** Takes a history in a project of its own, on the machine and in the model; what it sent may not be stored yet. */
async function begin({ rules, steps, asked }: History): Promise<Run> {
  const run = { project: `p${++projects}`, system: new System(isBot) };
  run.system.setRules(run.project, rules);
  machine.setRules(run.project, rules);
  for (const step of steps) await take(step, run, asked);
  return run;
}

async function run(history: History): Promise<Run> {
  const done = await begin(history);
  await machine.settled();
  return done;
}

async function take(step: Step, run: Run, asked: History['asked']): Promise<void> {
  const { project, system } = run;
  switch (step.do) {
    case 'restart':
      return machine.restartProcessor();
    case 'die':
      return machine.dieAt(step.at);
    case 'compact':
      return void (await machine.compact());
    case 'roll up':
      return machine.rollUp();
    case 'rebuild':
      return machine.rebuild();
    case 'ask':
      await machine.settled();
      return expect(await glance(machine.asking(project), asked)).toEqual(glanceByModel(system, project, asked));
    case 'replay': {
      machine.setRules(project, step.rules);
      system.setRules(project, step.rules);
      await machine.replay(project, MENDINGS[step.mending].patch, step.asked);
      return system.replay(project, machine.clockMs, mended(step.mending));
    }
    case 'expire':
      return expire(step.nowMs, run, asked);
    case 'purge':
      await machine.purge(project);
      return system.purge(project);
    case 'decide':
      machine.decide(project, step.decision);
      return system.decide(project, step.decision);
    case 'send': {
      const request: Request = { ...step.request, project };
      machine.clockMs = Math.max(machine.clockMs, request.receivedAtMs);
      const ends = system.receive(request);
      const { accepted } = await machine.send(request);
      expect(accepted, 'answered at once').toBe(ends.filter((end) => end === 'stored' || end === 'duplicate' || end === 'conflict').length);
    }
  }
}

/** T9: where rollups may be used, trends stay what they were. */
async function expire(nowMs: number, { project, system }: Run, rest: History['asked']): Promise<void> {
  const asked = { ...rest, rollups: undefined };
  const before = answersByModel(system, project, asked).trends[0];
  machine.clockMs = Math.max(machine.clockMs, nowMs);
  await machine.expire(project, nowMs);
  system.expire(project, nowMs);
  expect(comparable(await answersOf(machine.asking(project), asked, ['trends'])).trends[0], 'trends over what expired').toEqual(before);
}

/** Takes all cases at once, each in its own project: what concerns the machine as a whole is done once for all that wait for it. */
async function beginAll(cases: readonly Case[]): Promise<Run[]> {
  const runs: Run[] = [];
  for (const { history } of cases) runs.push(await begin({ ...history, steps: [] }));
  const left = cases.map(({ history }) => [...history.steps]);
  const isShared = ({ do: does }: Step): boolean => !['send', 'decide', 'replay', 'purge', 'expire'].includes(does);
  for (;;) {
    for (const [index, steps] of left.entries()) while (steps[0] !== undefined && !isShared(steps[0])) await take(steps.shift()!, runs[index]!, cases[index]!.history.asked);
    const next = left.find(([step]) => step !== undefined)?.[0];
    if (next === undefined) break;
    for (const [index, steps] of left.entries()) {
      if (steps[0]?.do !== next.do) continue;
      const step = steps.shift()!;
      // Each asks of its own project.
      if (step === next || step.do === 'ask') await take(step, runs[index]!, cases[index]!.history.asked);
    }
  }
  await machine.settled();
  return runs;
}

async function expectModels({ project, system }: Run, given: History['asked']): Promise<void> {
  const asked = { ...given, nowMs: machine.clockMs };
  expect(comparable(await answersOf(machine.asking(project), asked))).toEqual(answersByModel(system, project, asked));
}

async function expectCases(cases: readonly Case[]): Promise<void> {
  const runs = await beginAll(cases);
  for (const [index, { rule, history: { asked }, of, shows, is }] of cases.entries()) {
    const { project, system } = runs[index]!;
    expect(shows(answersByModel(system, project, asked)), `${rule}: the model`).toEqual(is);
    expect(shows(comparable(await answersOf(machine.asking(project), asked, of))), rule).toEqual(is);
  }
}

// A round of rollups takes a second for each project with something new: these come first, and the others last.
const [rolledUp, others] = [CASES.filter(isRolledUp), CASES.filter((each) => !isRolledUp(each))];
function isRolledUp({ history }: Case): boolean {
  return history.steps.some((step) => step.do === 'roll up');
}

it(`${rolledUp.length} rules, each by a small history of its own, amid rollups: model and system say what is written there`, async () => {
  await expectCases(rolledUp);
});

it('X1, X3, T4-T8, I1-I9, R1-R7, A1: every answer is the model\'s at quiescence, whatever came and whatever died', async () => {
  await fc.assert(
    fc.asyncProperty(histories({ replays: 3 }), async (history) => {
      await expectModels(await run(history), history.asked);
      expect(await machine.processor.balance()).toMatchObject({ pending: 0, difference: 0 });
    }),
    PROPERTY_RUN,
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

it('T8, T9, I9: what retention deletes and what goes with a project stays away, its claims and rollups do not; also when all of it comes again', async () => {
  const rules = { bots: 'flag', retentionDays: 30 } as const;
  await fc.assert(
    fc.asyncProperty(histories({ minDeeds: 20, interruptions: 0 }), fc.integer({ min: 1 * 60, max: 7 * 60 }), fc.nat(99), async ({ steps, asked: whole }, minutes, percent) => {
      const nowMs = whole.fromMs + 30 * DAY_MS + (2 * 60 + minutes) * 60_000;
      const asked = { ...whole, rollups: false as const };
      const at = Math.ceil((percent * steps.length) / 100);
      // The rest comes afterwards, with all that came before once more.
      const expiring: Step[] = [...steps.slice(0, at), { do: 'expire', nowMs }, ...steps, { do: 'rebuild' }];
      const purging: Step[] = [...steps.slice(0, at), { do: 'purge' }, ...steps];
      const [expired, purged] = [await begin({ rules, steps: purging, asked }), await begin({ rules, steps: expiring, asked })];
      await machine.settled();
      await expectModels(expired, asked);
      await expectModels(purged, asked);
    }),
    { ...PROPERTY_RUN, numRuns: Math.ceil(RUNS / 5) },
  );
}, 120_000 + RUNS * 10_000);

it(`${others.length} rules more, each by a small history of its own`, async () => {
  await expectCases(others);
});
