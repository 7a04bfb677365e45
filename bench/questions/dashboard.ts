/** What the dashboard's page asks while it is open, in its order (apps/dashboard/src/page/index.html), with a store's own names. Kept answers are not taken. */
import type { Server } from '../server/server.ts';

export interface DashboardQuestion {
  name: string;
  path: string;
  body?: object;
}

const ZONE = 'Europe/Berlin';

/** The user whose last actions are shown is the one that acted most in the last week, as the page's is today's. */
export async function dashboardQuestions({ api }: Server): Promise<DashboardQuestion[]> {
  const { series } = await api.ask<{ series: { breakdown: string[] }[] }>('/api/analytics/trend', top('userId', 1, 'last 7d'));
  const user = series[0]?.breakdown[0] ?? 'nobody';
  const from = new Date(Date.now() - 720 * 3_600_000).toISOString();
  return [
    { name: 'pipeline', path: '/api/pipeline' },
    { name: 'jobs', path: '/api/jobs' },
    { name: 'names of events', path: '/api/analytics/trend', body: top('eventName', 50, 'last 30d') },
    { name: 'most active user', path: '/api/analytics/trend', body: top('userId', 1, 'today') },
    { name: 'users yesterday', path: '/api/analytics/trend', body: { series: [{ event: 'purchase', measure: 'users' }], range: 'yesterday', granularity: 'hour', timezone: ZONE, cache: false } },
    { name: 'users of 30 days', path: '/api/analytics/trend', body: { series: [{ event: 'purchase', measure: 'users' }], range: 'last 30d', granularity: 'day', timezone: ZONE, cache: false } },
    { name: 'who does not go on', path: '/api/analytics/funnel', body: { steps: [{ event: 'add_to_cart' }, { event: 'payment' }], window: '24h', range: 'last 30d', timezone: ZONE, cache: false } },
    { name: 'what one user did', path: `/api/users/${encodeURIComponent(user)}/timeline?from=${from}&order=asc&limit=100` },
  ];
}

function top(property: string, limit: number, range: string): object {
  return { series: [{ measure: 'events' }], breakdown: [property], limit, range, granularity: 'month', cache: false };
}
