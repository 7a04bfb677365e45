/** Random histories for sessions: silences of exactly the gap, several devices and logins, pages, campaigns, over midnights. */
import fc from 'fast-check';
import type { StoredEvent } from '@tidemark/event';
import { history } from './histories.ts';

const page = fc.constantFrom('', '/', '/cart', '/thanks');
const visit = fc.record({
  type: fc.constantFrom('track' as const, 'page' as const, 'screen' as const),
  pagePath: page,
  country: fc.constantFrom('', 'DE', 'FR'),
  deviceType: fc.constantFrom('', 'mobile'),
  channel: fc.constantFrom('direct', 'paid'),
  campaignSource: fc.constantFrom('', 'news', 'ads'),
  campaignMedium: fc.constantFrom('', 'cpc'),
  campaignName: fc.constantFrom('', 'spring'),
});

/** Times are multiples of a third of `gapMs`; either dense (each person hardly ever silent) or spread over days. */
export function visits(startMs: number, gapMs: number): fc.Arbitrary<StoredEvent[]> {
  return fc
    .constantFrom({ steps: 12, stepMs: gapMs / 3 }, { steps: 150, stepMs: gapMs / 3 }, { steps: 50, stepMs: gapMs }, { steps: 12, stepMs: 1 })
    .chain(({ steps, stepMs }) => fc.tuple(history('', { startMs, spanMs: steps * stepMs, stepMs, minEvents: 1, maxEvents: 45 }), fc.array(visit, { minLength: 45, maxLength: 45 })))
    .map(([events, each]) => events.map((event, i) => ({ ...event, ...each[i] })));
}
