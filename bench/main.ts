/** `npm run bench [-- r1 r4 … | own]`: runs the measures, prints them and writes their results down. */
import { fileURLToPath } from 'node:url';
import { forgetTurnedKnobs, KNOBS, PLACES } from './options.ts';
import { MEASURES } from './measures/index.ts';
import { commit, loadAverage } from './report/machine.ts';
import { stamped, type Measure, type MeasuredResult } from './report/measure.ts';
import { lines } from './report/print.ts';
import { publish } from './report/publish.ts';
import { record } from './report/results.ts';
import { sweep } from './server/temporary.ts';

// The bundle lies two folders below the project, as bin/bench.mjs puts it.
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const wanted = process.argv.slice(2);
if (wanted.some((word) => word === '--help' || word === 'help')) help();
if (wanted[0] === 'publish') {
  for (const path of publish(ROOT, wanted[1])) console.log(`wrote ${path}`);
  process.exit(0);
}
const unknown = wanted.filter((name) => !(name in MEASURES) && name !== 'own');
if (unknown.length > 0) {
  console.error(`There is no measure '${unknown[0]}'; there are ${Object.keys(MEASURES).join(', ')}, and own.`);
  process.exit(2);
}

const load = loadAverage();
if (load > 0.5) console.error(`note: the machine is busy (load average ${load}); figures of a busy machine say little`);
const names = wanted.length === 0 ? namesAmong('contract') : [...new Set(wanted.flatMap((name) => (name === 'own' ? namesAmong('own') : [name])))];
const version = commit(ROOT);
const failed: string[] = [];
for (const name of names) {
  const startedAt = performance.now();
  forgetTurnedKnobs();
  const results: MeasuredResult[] = [];
  try {
    for (const measure of await runOf(name)()) {
      results.push(stamped(measure));
      console.log(lines(measure));
    }
  } catch (error) {
    failed.push(name);
    sweep();
    console.log(`${name.toUpperCase().padEnd(6)} FAILED: ${error instanceof Error ? (error.name === 'WrongCount' ? error.message : error.stack) : String(error)}`);
  }
  console.error(`       ${name} took ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  if (results.length > 0) console.error(`       ${record(fileURLToPath(new URL('../../bench/results/local', import.meta.url)), version, results)}`);
}
if (failed.length > 0) console.log(`FAILED: ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);

function namesAmong(group: 'contract' | 'own'): string[] {
  return Object.entries(MEASURES).flatMap(([name, { among }]) => (among === group ? [name] : []));
}

function runOf(name: string): () => Promise<Measure[]> {
  const { run, short } = MEASURES[name]!;
  return wanted.includes(name) ? run : (short ?? run);
}

function help(): never {
  console.log('npm run bench                 the measures marked *, one after another');
  console.log('npm run bench -- own          those marked +, which are our own');
  console.log('npm run bench -- NAME …       these');
  console.log('npm run bench -- publish      puts the newest results into bench/results and docs/performance.md\n');
  for (const [name, { among, about }] of Object.entries(MEASURES)) console.log(`  ${name.padEnd(10)}${among === 'contract' ? '*' : among === 'own' ? '+' : ' '} ${about}`);
  console.log('\nEnvironment:');
  for (const [name, { means, unit }] of Object.entries(KNOBS)) console.log(`  ${name.padEnd(28)} ${means}${unit ? `, in ${unit}` : ''}`);
  for (const [name, means] of Object.entries(PLACES)) console.log(`  ${name.padEnd(28)} ${means}`);
  process.exit(0);
}
