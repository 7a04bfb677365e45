import type { Journal, QueuedEvent } from '@tidemark/sdk-core';

/**
 * The first journal that can be read; later ones are for pages where the earlier are forbidden. What a page of such a day
 * left in them is read and removed too. In none is the error of the last.
 */
export function firstWorking(makers: readonly (() => Journal)[]): Journal {
  let found: Promise<Journal[]> | undefined;
  let left: QueuedEvent[] | undefined = [];
  const find = (): Promise<Journal[]> =>
    (found ??= (async () => {
      const working: Journal[] = [];
      let last: unknown;
      for (const make of makers) {
        try {
          const journal = make();
          left!.push(...(await journal.load()));
          working.push(journal);
        } catch (error) {
          last = error;
        }
      }
      if (working.length === 0) throw last;
      return working;
    })());
  const inAll = async (change: (journal: Journal) => Promise<void>): Promise<void> =>
    void (await Promise.all((await find()).map(change)));
  return {
    async load() {
      const working = await find();
      const found = left ?? (await Promise.all(working.map((journal) => journal.load()))).flat();
      left = undefined;
      return found;
    },
    add: (event) => find().then(([first]) => first!.add(event)),
    remove: (eventIds) => inAll((journal) => journal.remove(eventIds)),
    async clear() {
      await inAll((journal) => journal.clear());
      if (left) left = [];
    },
  };
}
