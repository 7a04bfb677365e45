/** Capture without code: each by itself, or all of them. */
import { captureClicks } from './clicks.ts';
import { captureForms } from './forms.ts';
import { captureImpressions } from './impressions.ts';
import type { MaskingOptions } from './masking.ts';
import { capturePages } from './pages.ts';
import { captureScroll } from './scroll.ts';
import { captureSearch } from './search.ts';
import type { Stop, Tracker } from './tracker.ts';

export { captureClicks, captureForms, captureImpressions, capturePages, captureScroll, captureSearch };
export type { MaskingOptions, Stop, Tracker };

/** All of them. Returns what ends it. */
export function captureAll(client: Tracker, masking: MaskingOptions = {}): Stop {
  const stops = [
    capturePages(client),
    captureClicks(client, masking),
    captureForms(client),
    captureScroll(client),
    captureImpressions(client),
    captureSearch(client),
  ];
  return () => stops.forEach((stop) => stop());
}
