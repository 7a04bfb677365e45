/** Every kind of question by the generated client; compiled and run beside it by client.test.ts. */
import { ApiError, createClient } from './client.ts';

/** What was answered, one line each, for a project in which ada bought after one view and bob viewed. */
export async function asks(url: string, token: string, waitFor: string): Promise<Record<string, unknown>> {
  const call = createClient(url, token);
  const range = { range: 'today', waitFor } as const;
  const [view, buy] = [{ event: 'view' }, { event: 'buy' }];
  const trend = await call('ask_trend', { body: { ...range, series: [{ event: 'view', measure: 'users' }], breakdown: ['properties.item'], granularity: 'day' } });
  const funnel = await call('ask_funnel', { body: { ...range, steps: [view, buy], window: '1h', order: 'ordered' } });
  const sessions = await call('ask_sessions', { body: { ...range, gap: '30m' } });
  const retention = await call('ask_retention', { body: { ...range, start: view, return: {}, period: 'day', periods: 1 } });
  const paths = await call('ask_paths', { body: { ...range, after: view, steps: 2 } });
  const attribution = await call('ask_attribution', { body: { ...range, conversion: buy, models: ['last_touch'] } });
  const cohort = await call('ask_cohort', { body: { ...range, all: [{ did: 'buy' }] } });
  const experiment = await call('ask_experiment', { body: { ...range, exposure: view, variant: 'properties.item', metrics: [buy] } });
  const sql = await call('ask_sql', { body: { query: 'SELECT count() AS n FROM events WHERE event_name = {name}', params: { name: 'view' }, waitFor } });
  const people = await call('people_funnel', { body: { ...range, steps: [view, buy], window: '1h', cell: { step: 2 } } });
  await call('save_trend', { path: { name: 'a/ü' }, body: { range: 'today', series: [view] } });
  const saved = await call('ask_saved_trend', { query: { name: 'a/ü' } });
  const { questions: [kept] } = await call('listQuestions', { query: {} });
  const timeline = await call('getTimeline', { path: { id: 'ada' }, query: { limit: 1 } });
  const problem = await call('ask_trend', { body: { ...range, series: [] } }).catch((error: unknown) => (error instanceof ApiError ? error.problem.code : error));

  // @ts-expect-error: there is no such measure
  void (() => call('ask_trend', { body: { series: [{ measure: 'people' }] } }));
  // @ts-expect-error: a funnel has steps
  void (() => call('ask_funnel', { body: { window: '1h' } }));
  // @ts-expect-error: there is no such field
  void (() => call('ask_cohort', { body: { any: [] } }));
  // @ts-expect-error: a trend is saved under the name of a trend
  void (() => call('save_trend', { path: { name: 'a' }, body: { steps: [view] } }));
  // @ts-expect-error: of a step no people are told by the series
  void (() => call('people_funnel', { body: { name: 'a', cell: { series: 0 } } }));
  // @ts-expect-error: there is no such kind
  void (() => call('ask_guesses', { body: {} }));
  // @ts-expect-error: a step has no such number
  void funnel.steps[0]?.people;

  const kinds = { trend, funnel, sessions, retention, paths, attribution, cohort, experiment, sql };
  return {
    kinds: Object.keys(kinds),
    asOf: Object.values(kinds).every(({ meta }) => meta.asOf >= waitFor),
    trend: trend.series.map(({ breakdown, total }) => [...breakdown, total]),
    funnel: funnel.steps.map(({ users, medianSeconds }) => [users, medianSeconds === null ? null : medianSeconds.toFixed(0)]),
    sessions: sessions.sessions,
    retention: retention.cohorts[0]?.size,
    paths: paths.users,
    attribution: attribution.conversions,
    cohort: cohort.size,
    experiment: experiment.variants.length,
    sql: sql.rows,
    people: people.people.map(({ personId }) => personId),
    saved: saved.meta.question,
    savedTotal: saved.series[0]?.total,
    kept: kept?.question,
    timeline: timeline.events.map(({ eventName }) => eventName),
    problem,
  };
}
