/** Asks for timelines, one after another; see bench/measures/r10.ts. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { TimelineReader, type TimelineOrder, type TimelineResult } from './generate/timeline-reader.ts';
import { WrongCount } from './oracle/counts.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

process.on('message', (order: TimelineOrder) => {
  read(order).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      if (error instanceof WrongCount) return void process.send?.({ tookMs: [], wrong: error.message } satisfies TimelineResult);
      console.error(error);
      process.exit(1);
    },
  );
});

async function read({ port, limit, people, whole = false }: TimelineOrder): Promise<TimelineResult> {
  const reader = new TimelineReader(port);
  const tookMs = whole ? [] : await reader.lastEvents(people, limit, collectGarbage);
  if (whole) for (const person of people) await reader.checkWhole(person);
  reader.close();
  return { tookMs };
}
