/** The generator as a process of its own: a plan comes by message, the result goes back; a second message ends a load in a closed loop. */
import { runLoad, type LoadPlan } from './generate/load.ts';

process.once('message', (plan: LoadPlan) => {
  const ending = new AbortController();
  process.once('message', () => ending.abort());
  runLoad(plan, ending.signal).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
