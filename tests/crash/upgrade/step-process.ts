/**
 * Brings a data folder up to date by steps of a made-up future, and dies where it is told to: `node <this> <data> <moment>`.
 * A moment is a number: there are three in each step, before it, in the middle of it, and after it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareFormat, type FormatStep } from '../../../apps/server/src/start/data-format.ts';

const [, , dataPath = '', moment = ''] = process.argv;
let passed = 0;

function mayDie(): void {
  if (passed++ === Number(moment)) process.kill(process.pid, 'SIGKILL');
}

/** Writes two files, the second one from what the first one holds. */
function step(to: number): FormatStep {
  return {
    to,
    sentence: `Format ${to}.`,
    run(path) {
      mayDie();
      const before = to === 2 ? 'data' : readFileSync(join(path, `second-${to - 1}`), 'utf8');
      writeFileSync(join(path, `first-${to}`), `${before} ${to}`);
      mayDie();
      writeFileSync(join(path, `second-${to}`), readFileSync(join(path, `first-${to}`)));
      mayDie();
    },
  };
}

const sentences = await prepareFormat(dataPath, 'test', [step(2), step(3), step(4)]);
process.stdout.write(JSON.stringify(sentences));
