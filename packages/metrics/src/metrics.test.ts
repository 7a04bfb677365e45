import { describe, expect, it } from 'vitest';
import { CATALOGUE } from './catalogue.ts';
import { mergeExpositions } from './merge.ts';
import { createMetrics } from './metrics.ts';

describe('metrics', () => {
  it('shows what was counted, with the role of the process', async () => {
    const metrics = createMetrics({ role: 'collector' });
    const accepted = metrics.counter('tidemark_ingest_events_total', { result: 'accepted' });
    accepted.inc(50);
    accepted.inc();
    metrics.counter('tidemark_ingest_events_total', { result: 'rejected' }).inc();
    metrics.histogram('tidemark_ingest_duration_seconds', {}).observe(0.004);
    const text = await metrics.text();
    expect(text).toContain('tidemark_ingest_events_total{result="accepted",role="collector"} 51');
    expect(text).toContain('tidemark_ingest_events_total{result="rejected",role="collector"} 1');
    expect(text).toMatch(/tidemark_ingest_duration_seconds_bucket\{le="0\.005",role="collector"\} 1/);
    expect(text).not.toContain('tidemark_dedup_ids');
  });

  it('fills gauges before each scrape, and survives a fill that fails', async () => {
    const errors: unknown[] = [];
    const metrics = createMetrics({ role: 'engine', onError: (error) => errors.push(error) });
    let lag = 7;
    metrics.beforeScrape(() => metrics.gauge('tidemark_processor_lag_events', {}).set(lag));
    metrics.beforeScrape(() => Promise.reject(new Error('the warehouse is away')));
    expect(await metrics.text()).toContain('tidemark_processor_lag_events{role="engine"} 7');
    lag = 9;
    expect(await metrics.text()).toContain('tidemark_processor_lag_events{role="engine"} 9');
    expect(errors).toHaveLength(2);
  });

  it('shows a histogram that was counted elsewhere as one of its own: cumulative, with +Inf, sum and count', async () => {
    const metrics = createMetrics({ role: 'engine' });
    const counts = [...Array<number>(9).fill(0), 4, 0, 2];
    metrics.countedHistogram('tidemark_event_lateness_seconds', () => [{ labels: { project: 'p1' }, counts, sum: 1.5 }]);
    const text = await metrics.text();
    const family = text.split('\n').filter((line) => line.includes('tidemark_event_lateness_seconds'));
    expect(family[1]).toBe('# TYPE tidemark_event_lateness_seconds histogram');
    expect(family.slice(-5)).toEqual([
      'tidemark_event_lateness_seconds_bucket{le="259200",project="p1",role="engine"} 4',
      'tidemark_event_lateness_seconds_bucket{le="604800",project="p1",role="engine"} 4',
      'tidemark_event_lateness_seconds_bucket{le="+Inf",project="p1",role="engine"} 6',
      'tidemark_event_lateness_seconds_sum{project="p1",role="engine"} 1.5',
      'tidemark_event_lateness_seconds_count{project="p1",role="engine"} 6',
    ]);
    counts.pop();
    await expect(metrics.text()).rejects.toThrow('11 bounds, not 10');
  });

  it('keeps to the naming of Prometheus', () => {
    for (const [name, definition] of Object.entries(CATALOGUE)) {
      expect(name).toMatch(/^tidemark_[a-z_]+$/);
      expect(name.endsWith('_total'), name).toBe(definition.type === 'counter');
      if (definition.type === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(definition.help).toMatch(/^.{10,}\.$/);
    }
  });
});

describe('mergeExpositions', () => {
  it('keeps one HELP and TYPE a name, and the samples of a name together', async () => {
    const texts = await Promise.all(
      (['collector', 'engine'] as const).map((role) => createMetrics({ role, withProcess: true }).text()),
    );
    const lines = mergeExpositions(texts).split('\n');
    const comments = lines.filter((line) => line.startsWith('#')).map((line) => line.split(' ').slice(0, 3).join(' '));
    expect(new Set(comments).size).toBe(comments.length);
    const samples = texts
      .join('\n')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines.filter((line) => line !== '' && !line.startsWith('#')).toSorted()).toEqual(samples.toSorted());

    // A family is one block: a name never comes back after another one began.
    let family = '';
    for (const line of lines) {
      if (line.startsWith('# HELP')) family = line.split(' ')[2] as string;
      else if (line !== '' && !line.startsWith('#'))
        expect(line.startsWith(family), `${line} under ${family}`).toBe(true);
    }
    expect(mergeExpositions([])).toBe('');
  });
});
