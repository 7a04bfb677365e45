#!/usr/bin/env node
// Entry of the `tidemark` command. Parsed by whatever Node is installed, so it uses old syntax only and says
// in words what is wrong, where a modern file would die with a syntax error.
import { requirementProblem } from './requirements.mjs';

const problem = requirementProblem(process);
if (problem) {
  process.stderr.write(`tidemark: ${problem.sentence}\n  Fix: ${problem.fix}\n`);
  process.exitCode = 1;
} else {
  import('./run.mjs').then(
    (module) => module.run(process.argv.slice(2)),
    (error) => {
      process.stderr.write(`tidemark: ${(error && error.stack) || error}\n`);
      process.exitCode = 1;
    },
  );
}
