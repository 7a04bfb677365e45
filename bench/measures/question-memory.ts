import { knob } from '../options.ts';
import type { QuestionStore } from '../questions/store/kept.ts';
import { copyOf, questionStore, removeCopy } from '../questions/store/store.ts';
import { FUNNEL_STEPS } from '../questions/store/visits.ts';
import { wholeRange } from '../questions/typical/typical.ts';
import { spread, type Measure } from '../report/measure.ts';
import { MemorySampler } from '../resources/memory.ts';
import { API_TOKEN, Server } from '../server/server.ts';
import { entry } from './catalogue.ts';
import { EVENTS } from './r6.ts';

const TWELVE = [...FUNNEL_STEPS, 'page_view', 'search', 'click', 'product_viewed', 'add_to_cart', 'video_played', 'feature_1'].map((event, i) => ({ event, label: `step ${i + 1}` }));
const ANY_ORDER = ['page_view', 'search', 'click', 'video_played', ...FUNNEL_STEPS, 'feature_1', 'feature_2', 'feature_3'].map((event) => ({ event }));

/** What takes memory: long funnels and paths, breakdowns by a value of which there are a million, lists of all people, every session, every touch. */
const HEAVY: Record<string, { path: string; question: object }> = {
  'funnel of 12 steps': { path: 'funnel', question: { steps: TWELVE, window: '90d' } },
  'funnel of 12 steps in any order': { path: 'funnel', question: { steps: ANY_ORDER, order: 'any', window: '90d' } },
  'strict funnel of 5 steps': { path: 'funnel', question: { steps: FUNNEL_STEPS.map((event) => ({ event })), order: 'strict', window: '1d' } },
  'events by a million values': { path: 'trend', question: { series: [{ event: 'page_view', measure: 'events' }], breakdown: ['properties.visit_id'], limit: 100, granularity: 'month' } },
  'users by a million values': { path: 'trend', question: { series: [{ event: 'page_view', measure: 'users' }], breakdown: ['properties.visit_id'], limit: 100, granularity: 'day' } },
  'list of all people': { path: 'trend/people', question: { series: [{ measure: 'users' }], cell: { series: 0 }, pageSize: 1_000 } },
  'people who dropped out': { path: 'funnel/people', question: { steps: FUNNEL_STEPS.map((event) => ({ event })), cell: { step: 2, outcome: 'dropped' }, pageSize: 1_000 } },
  'all sessions by entry page': { path: 'sessions', question: { breakdown: ['session.entryPage'], granularity: 'day' } },
  'funnel of 3 steps by a million values': { path: 'funnel', question: { steps: FUNNEL_STEPS.slice(0, 3).map((event) => ({ event })), window: '1d', breakdown: ['properties.visit_id'], limit: 100 } },
  'paths of 10 nodes after every page': { path: 'paths', question: { after: { event: 'page_view' }, window: '1d', steps: 10, nodeLimit: 100 } },
  'attribution by all models, 90 days': { path: 'attribution', question: { conversion: { event: 'purchase' }, touch: { event: 'page_view' }, lookback: '90d', breakdown: ['properties.visit_id'], limit: 100 } },
  'experiment of six metrics': { path: 'experiment', question: { exposure: { event: 'experiment_viewed' }, metrics: ['purchase', 'add_to_cart', 'search'].flatMap((event) => [{ event }, { event, measure: 'events' }]) } },
  'cohort of a sequence': { path: 'cohort', question: { all: [{ sequence: FUNNEL_STEPS.map((event) => ({ event })), window: '90d' }, { did: '*', atLeast: 3 }] } },
  'retention of any event, 90 days': { path: 'retention', question: { start: {}, return: {}, period: 'day', periods: 90 } },
};

interface Outcome {
  answer: string;
  ms: number;
  maxMiB: number;
}

/**
 * The most memory that all processes take while heavy questions are asked one by one. A question may take 1 GiB in the engine
 * and says `question_too_expensive` beyond it; any other end of it, and a server that is not there afterwards, fails the run.
 */
export async function questionMemory(): Promise<Measure[]> {
  const store = await questionStore(knob('TIDEMARK_BENCH_EVENTS', EVENTS));
  const outcomes = await askHeavy(store);
  const told = Object.entries(outcomes).map(([name, { answer, ms, maxMiB }]) => `${name}: ${answer}, ${(ms / 1000).toFixed(1)} s, ${maxMiB.toFixed(0)} MiB`);
  return [
    {
      ...entry('caps'),
      what: `most anonymous memory of all processes while the heaviest questions are asked, ${store.plan.events.toLocaleString('en')} events`,
      value: spread([Math.max(...Object.values(outcomes).map(({ maxMiB }) => maxMiB))]),
      notes: told,
      details: { events: store.plan.events, outcomes },
    },
  ];
}

async function askHeavy(store: QuestionStore): Promise<Record<string, Outcome>> {
  const dataPath = copyOf(store);
  const server = await Server.start({ dataPath });
  const outcomes: Record<string, Outcome> = {};
  for (const [name, { path, question }] of Object.entries(HEAVY)) {
    const sampler = new MemorySampler(() => server.processes(), 100);
    const startedAt = performance.now();
    const answer = await outcomeOf(server, path, { ...question, ...wholeRange(store.plan), cache: false });
    const ms = performance.now() - startedAt;
    outcomes[name] = { answer, ms, maxMiB: sampler.stop().maxMiB };
  }
  await server.stop();
  removeCopy(dataPath);
  return outcomes;
}

/** `answered`, or the code by which it was refused as too much. Throws for everything else. */
async function outcomeOf(server: Server, path: string, body: object): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${server.port}/api/analytics/${path}`, {
    method: 'POST', headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.ok) return 'answered';
  const { code, detail } = JSON.parse(text) as { code?: string; detail?: string };
  if (code === 'question_too_expensive' && detail?.includes('ask for')) return code;
  throw new Error(`${path} answered ${response.status}: ${text.slice(0, 500)}`);
}
