import { coarsen, nextVersion, readLine, spansToCoarsen, type CoarseSpan, type Run, type Warehouse } from '@tidemark/warehouse';

/** Time in one statement, which bounds its memory. */
const PORTION_MS = 4 * 86_400_000;
const SPANS_AT_A_TIME = 1_000;
/** Of which all quarters are gone through in one statement. */
const PROJECTS_AT_A_TIME = 20;
/** So that other jobs get their turn while history is gone through. */
const ROUND_MS = 30_000;

/** Makes rollups of hours and days of what is sealed and clean, and again where a quarter of theirs changed. Answers how many. */
export async function coarsenSealed({ warehouse, nowMs = Date.now }: { warehouse: Warehouse; nowMs?: () => number }, signal?: AbortSignal): Promise<number> {
  const sealedMs = await readLine(warehouse, 'sealed');
  if (sealedMs === undefined) return 0;
  const untilMs = nowMs() + ROUND_MS;
  const { rows } = await warehouse.query<{ project: string }>('SELECT DISTINCT toString(project) AS project FROM rollup_buckets');
  let [done, version] = [0, await nextVersion(warehouse)];
  for (let at = 0; at < rows.length; at += PROJECTS_AT_A_TIME) {
    const projects = rows.slice(at, at + PROJECTS_AT_A_TIME).map(({ project }) => project);
    for (let found = SPANS_AT_A_TIME; found === SPANS_AT_A_TIME && nowMs() < untilMs; done += found) {
      const spans = await spansToCoarsen(warehouse, projects, sealedMs, SPANS_AT_A_TIME);
      for (const portion of portionsOf(spans)) {
        signal?.throwIfAborted();
        await coarsen(warehouse, portion, version++);
      }
      found = spans.length;
    }
  }
  return done;
}

interface Portion {
  property: string;
  width: number;
  runs: Map<string, Run[]>;
}

/** Spans of one property and width, of all projects, as runs of neighbours, so many that they last no longer than one statement may. */
function portionsOf(spans: readonly CoarseSpan[]): Portion[] {
  const portions: Portion[] = [];
  let heldMs = 0;
  for (const { project, property, width, ms } of spans.toSorted((a, b) => a.width - b.width || compare(a.property, b.property) || compare(a.project, b.project) || a.ms - b.ms)) {
    const toMs = ms + width * 1_000;
    let portion = portions.at(-1);
    if (portion?.property !== property || portion.width !== width || heldMs + toMs - ms > PORTION_MS) {
      portions.push((portion = { property, width, runs: new Map() }));
      heldMs = 0;
    }
    heldMs += toMs - ms;
    const runs = portion.runs.get(project);
    const last = runs?.at(-1);
    if (last?.toMs === ms) last.toMs = toMs;
    else if (runs === undefined) portion.runs.set(project, [{ fromMs: ms, toMs }]);
    else runs.push({ fromMs: ms, toMs });
  }
  return portions;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
