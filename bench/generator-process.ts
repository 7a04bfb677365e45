/** The generator as a process of its own: a plan comes by message, the result goes back. */
import { runLoad, type LoadPlan } from './generate/load.ts';

process.once('message', (plan: LoadPlan) => {
  runLoad(plan).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
