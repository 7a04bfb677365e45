/** How many ids of a project are no person. Counting reads all its links, and a page may ask every two seconds: a count is good for a while. */

const GOOD_FOR_MS = 60_000;

/** `count` of a project and `clock` in epoch ms. A count that fails is told to whoever asked, and not kept. */
export function createHubCount(count: (project: string) => Promise<number>, clock: () => number): (project: string) => Promise<number> {
  const known = new Map<string, { atMs: number; hubs: Promise<number> }>();
  return (project) => {
    const kept = known.get(project);
    if (kept !== undefined && clock() - kept.atMs < GOOD_FOR_MS) return kept.hubs;
    const made = { atMs: clock(), hubs: count(project) };
    known.set(project, made);
    made.hubs.catch(() => known.get(project) === made && known.delete(project));
    return made.hubs;
  };
}
