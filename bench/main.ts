/** `npm run bench [-- r1 r4 half-load]`: runs the measures, prints a line each and the whole as JSON. */
import { halfLoad } from './measures/half-load.ts';
import { r1 } from './measures/r1.ts';
import { r4 } from './measures/r4.ts';
import { machine, type Measure } from './report.ts';

const MEASURES: Record<string, () => Promise<Measure | Measure[]>> = { r1, r4, 'half-load': halfLoad };

const wanted = process.argv.slice(2);
const results: Measure[] = [];
for (const [name, run] of Object.entries(MEASURES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const measure of [await run()].flat()) {
    const { min, median, max } = measure.value;
    console.error(`${measure.id}  ${median.toFixed(2)} ${measure.unit} (${min.toFixed(2)} to ${max.toFixed(2)}; floor ${measure.floor}, goal ${measure.goal})  ${measure.what}`);
    results.push(measure);
  }
}
console.log(JSON.stringify({ machine: machine(), results }, null, 2));
