/** Random histories for sessions: silences of exactly the gap, several devices and logins, over midnights. */
import fc from 'fast-check';
import type { StoredEvent } from '@tidemark/event';
import { history } from './histories.ts';

/** Times are multiples of a third of `gapMs`; either dense (each person hardly ever silent) or spread over days. */
export function visits(startMs: number, gapMs: number): fc.Arbitrary<StoredEvent[]> {
  return fc
    .constantFrom({ steps: 12, stepMs: gapMs / 3 }, { steps: 150, stepMs: gapMs / 3 }, { steps: 50, stepMs: gapMs }, { steps: 12, stepMs: 1 })
    .chain(({ steps, stepMs }) => history('', { startMs, spanMs: steps * stepMs, stepMs, minEvents: 1, maxEvents: 45 }));
}
