import type { Server } from './server.ts';

const WRITES = /^tidemark_(warehouse_write|lake_write|log_append|processor_range)_duration_seconds_sum\{(.*)\}$/;

/**
 * Seconds that the server says it has spent on each store, by its own histograms. With `before` and `events`: what was
 * added since, as microseconds of wall time an event. Writes run side by side, so the parts may exceed the whole.
 */
export async function storeSeconds(server: Server, before?: Record<string, number>, events = 1): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const [sample, value] of await server.api.metrics()) {
    const found = WRITES.exec(sample);
    if (found === null) continue;
    const label = /(?:table|stage)="([^"]+)"/.exec(found[2]!)?.[1];
    const name = label === undefined || label === 'all' ? found[1]!.replaceAll('_', ' ') : `${label} write`;
    sums[name] = before === undefined ? value : ((value - (before[name] ?? 0)) * 1e6) / events;
  }
  return sums;
}
