import { coarsen, nextVersion, readLine, spansToCoarsen, type CoarseSpan, type Run, type Warehouse } from '@tidemark/warehouse';

/** Time in one statement, which bounds its memory. */
const PORTION_MS = 4 * 86_400_000;
const SPANS_AT_A_TIME = 1_000;
/** So that other jobs get their turn while history is gone through. */
const ROUND_MS = 30_000;

/** Makes rollups of hours and days of what is sealed and clean, and again where a quarter of theirs changed. Answers how many. */
export async function coarsenSealed({ warehouse, nowMs = Date.now }: { warehouse: Warehouse; nowMs?: () => number }, signal?: AbortSignal): Promise<number> {
  const sealedMs = await readLine(warehouse, 'sealed');
  if (sealedMs === undefined) return 0;
  const untilMs = nowMs() + ROUND_MS;
  const { rows } = await warehouse.query<{ project: string }>('SELECT DISTINCT toString(project) AS project FROM rollup_buckets');
  let [done, version] = [0, await nextVersion(warehouse)];
  for (const { project } of rows) {
    for (let found = SPANS_AT_A_TIME; found === SPANS_AT_A_TIME && nowMs() < untilMs; done += found) {
      const spans = await spansToCoarsen(warehouse, project, sealedMs, SPANS_AT_A_TIME);
      for (const portion of portionsOf(spans)) {
        signal?.throwIfAborted();
        await coarsen(warehouse, project, portion, version++);
      }
      found = spans.length;
    }
  }
  return done;
}

interface Portion {
  property: string;
  width: number;
  runs: Run[];
}

/** Spans of one property and width that lie close together, as runs of neighbours. */
function portionsOf(spans: readonly CoarseSpan[]): Portion[] {
  const portions: Portion[] = [];
  const ordered = spans.toSorted((a, b) => a.width - b.width || (a.property < b.property ? -1 : a.property > b.property ? 1 : a.ms - b.ms));
  for (const { property, width, ms } of ordered) {
    const toMs = ms + width * 1_000;
    const portion = portions.at(-1);
    const last = portion?.runs.at(-1);
    if (portion?.property !== property || portion.width !== width || toMs - (portion.runs[0]?.fromMs ?? ms) > PORTION_MS) {
      portions.push({ property, width, runs: [{ fromMs: ms, toMs }] });
    } else if (last?.toMs === ms) last.toMs = toMs;
    else portion.runs.push({ fromMs: ms, toMs });
  }
  return portions;
}
