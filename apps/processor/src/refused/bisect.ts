/** Why a run of items [from, to) is refused; undefined when it is taken. */
export type Trial = (from: number, to: number) => Promise<string | undefined>;

/**
 * Which of `size` items are refused, and why, by halving what is refused until single items are left: about
 * 2 log2(size) trials for each. An item is only named when it is refused by itself; a run that is refused though both
 * of its halves are taken names none.
 *
 * After `maxTrials` the runs that are still whole are named whole. All runs are halved before any half is, so that by
 * then they are short: with 20,000 trials that takes more than 1,000 refused items, and the runs hold a few each.
 */
export async function bisect(size: number, trial: Trial, maxTrials: number): Promise<Map<number, string>> {
  const refused = new Map<number, string>();
  let runs: { from: number; to: number; why: string }[] = [];
  let trials = 0;
  const attempt = async (from: number, to: number) => {
    trials++;
    const why = from === to ? undefined : await trial(from, to);
    if (why !== undefined) runs.push({ from, to, why });
  };
  await attempt(0, size);
  while (runs.length > 0) {
    const whole = runs;
    runs = [];
    for (const { from, to, why } of whole) {
      if (to - from === 1 || trials >= maxTrials) {
        for (let index = from; index < to; index++) refused.set(index, why);
        continue;
      }
      const middle = (from + to) >>> 1;
      await attempt(from, middle);
      await attempt(middle, to);
    }
  }
  return refused;
}
