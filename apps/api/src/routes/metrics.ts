/** GET /metrics: what the API counts itself, and gauges read from the processor and the stores at each scrape. */
import type { FastifyInstance } from 'fastify';
import type { ApiDeps } from '../deps.ts';
import type { DiskUsage } from '../disk.ts';
import { streamed } from '../schemas.ts';

export function metricsRoutes(app: FastifyInstance, deps: ApiDeps, diskUsage: () => Promise<DiskUsage>): void {
  const { metrics, processor } = deps;
  metrics.gauge('tidemark_build_info', { version: deps.version }).set(1);

  metrics.beforeScrape(() => {
    const status = processor.status();
    const partition = String(status.partition);
    metrics.gauge('tidemark_committed_offset', { partition }).set(status.committedOffset);
    metrics.gauge('tidemark_log_end_offset', { topic: 'events', partition }).set(status.endOffset);
    metrics
      .gauge('tidemark_log_start_offset', { topic: 'events', partition })
      .set(deps.log.startOffset('events', status.partition));
    metrics.gauge('tidemark_processor_lag_events', {}).set(status.lag);
    metrics.gauge('tidemark_processor_lag_seconds', {}).set(status.lagMs / 1000);
    metrics.gauge('tidemark_freshness_recent_seconds', { quantile: '0.5' }).set(status.freshness.p50Ms / 1000);
    metrics.gauge('tidemark_freshness_recent_seconds', { quantile: '0.99' }).set(status.freshness.p99Ms / 1000);
    metrics.gauge('tidemark_watermark_timestamp_seconds', {}).set(status.watermarkMs / 1000);
    metrics.gauge('tidemark_dedup_ids', {}).set(status.dedup.ids);
    metrics.gauge('tidemark_dedup_window_start_timestamp_seconds', {}).set(status.dedup.windowStartMs / 1000);
    metrics.gauge('tidemark_dedup_memory_bytes', {}).set(status.dedup.memoryBytes);
  });
  metrics.beforeScrape(async () => {
    const { difference, ...balance } = await processor.balance();
    for (const [outcome, events] of Object.entries(balance))
      metrics.gauge('tidemark_balance_events', { outcome }).set(events);
    metrics.gauge('tidemark_balance_difference_events', {}).set(difference);
  });
  metrics.beforeScrape(async () => {
    for (const [store, bytes] of Object.entries((await diskUsage()).stores))
      metrics.gauge('tidemark_disk_bytes', { store }).set(bytes);
  });

  app.addHook('onResponse', async (request, reply) => {
    // The pattern and never the address: ids and tokens are no labels.
    const route = request.routeOptions.url ?? 'none';
    const status = String(reply.statusCode);
    metrics.counter('tidemark_api_requests_total', { method: request.method, route, status }).inc();
    if (request.routeOptions.config?.longLived !== true)
      metrics.histogram('tidemark_api_request_duration_seconds', { route }).observe(reply.elapsedTime / 1000);
  });

  app.route({
    method: 'GET',
    url: '/metrics',
    config: { access: 'open' },
    schema: {
      operationId: 'getMetrics',
      summary: 'Prometheus metrics of the engine; on the public port, of the collector too',
      tags: ['operations'],
      response: { 200: streamed('Prometheus text exposition 0.0.4.', 'text/plain') },
    },
    async handler(_request, reply) {
      reply.type(metrics.contentType).serializer((text: string) => text);
      return metrics.text();
    },
  });
}
