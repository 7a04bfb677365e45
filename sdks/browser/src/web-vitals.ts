/**
 * How fast a page was for whoever visits it, by the library `web-vitals` (https://github.com/GoogleChrome/web-vitals).
 * The host hands it in, so that nobody else loads it, and its version is the host's.
 */
import type { Stop, Tracker } from './capture/tracker.ts';

/** What it says of a metric, as far as it is captured. */
export interface Metric {
  name: string;
  /** Milliseconds; of CLS a score. */
  value: number;
  rating: string;
  navigationType: string;
}

type Observe = (report: (metric: Metric) => void) => void;

/** The least of the module. */
export type WebVitalsLike = Record<'onCLS' | 'onFCP' | 'onINP' | 'onLCP' | 'onTTFB', Observe>;

/** `web_vital` for each metric of a page once it is known: of most when the page is hidden, just before last words go. */
export function captureWebVitals(client: Pick<Tracker, 'track'>, webVitals: WebVitalsLike): Stop {
  let stopped = false;
  const report = ({ name, value, rating, navigationType }: Metric): void => {
    // Not by itself: the library can't be told to stop.
    if (!stopped) client.track('web_vital', { metric: name, value, rating, navigationType });
  };
  const { onCLS, onFCP, onINP, onLCP, onTTFB } = webVitals;
  for (const observe of [onCLS, onFCP, onINP, onLCP, onTTFB]) observe(report);
  return () => {
    stopped = true;
  };
}
