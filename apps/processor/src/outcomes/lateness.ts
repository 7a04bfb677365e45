/** How late events come in: for each project, counted as ranges are committed, since this process began. */
import { PREFIX, readInt64 } from '@tidemark/event';
import { forEachRow } from '../dedup/deduplicate.ts';
import type { CommittedRange } from '../event-consumer.ts';
import { receivedAtMs, RowOrigin } from '../range/row-prefix.ts';
import type { LatenessCounts } from '../status.ts';

const [SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS] = [1_000, 60_000, 3_600_000, 86_400_000];

/** Upper bounds, inclusive: from what a network takes to a phone that was in a drawer; 2 h is the allowed lateness. */
const BOUNDS_MS: readonly number[] = [
  SECOND_MS, 10 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 6 * HOUR_MS, DAY_MS, 3 * DAY_MS, 7 * DAY_MS,
];

/** Each costs 200 bytes, and a line a bound in every scrape; what comes for further projects is counted under ''. */
const MAX_PROJECTS = 1_000;

export class Lateness {
  readonly #projects = new Map<string, LatenessCounts>();
  readonly #origin = new RowOrigin();

  /** By project id. */
  get counts(): ReadonlyMap<string, LatenessCounts> {
    return this.#projects;
  }

  /** Counts the stored events of a range; resolves to how many of them lie, by event time, before `watermarkMs`. */
  add({ range, batches, verdicts }: Pick<CommittedRange, 'range' | 'batches' | 'verdicts'>, watermarkMs: number): number {
    let behindWatermark = 0;
    forEachRow(batches, range, (index, bytes, start) => {
      if (verdicts[index] !== 'keep') return;
      const counts = this.#of(this.#origin.read(bytes, start).project);
      const timeMs = readInt64(bytes, start + PREFIX.time);
      // An event may lie up to an hour ahead of its receipt (T5): that is not late.
      const lateMs = Math.max(0, receivedAtMs(bytes, start) - timeMs);
      let bucket = 0;
      while (bucket < BOUNDS_MS.length && lateMs > BOUNDS_MS[bucket]!) bucket++;
      counts.buckets[bucket]!.events++;
      counts.events++;
      counts.sumMs += lateMs;
      if (timeMs >= watermarkMs) return;
      counts.behindWatermark++;
      behindWatermark++;
    });
    return behindWatermark;
  }

  #of(project: string): LatenessCounts {
    const known = this.#projects.get(project);
    if (known !== undefined) return known;
    if (this.#projects.size >= MAX_PROJECTS && project !== '') return this.#of('');
    const counts = { events: 0, behindWatermark: 0, sumMs: 0, buckets: [...BOUNDS_MS, null].map((upToMs) => ({ upToMs, events: 0 })) };
    this.#projects.set(project, counts);
    return counts;
  }
}
