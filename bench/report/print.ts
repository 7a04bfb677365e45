import { turnedKnobs } from '../options.ts';
import { reaches, type Measure } from './measure.ts';

/** A measure in a few lines for the terminal. */
export function lines(measure: Measure): string {
  const { id, what, value, unit, floor, goal, reduced = [], notes = [] } = measure;
  const suffix = unit === 'ratio' ? '' : ` ${unit}`;
  const bounds = [bound('floor', floor), bound('goal', goal)].filter(Boolean).join(', ');
  const head = `${id.padEnd(6)} ${figure(value.median)}${suffix}  (${figure(value.min)} to ${figure(value.max)} in ${value.rounds} rounds)  ${bounds}`;
  const changed = [...reduced, ...turnedKnobs()];
  return [head, `       ${what}`, ...(changed.length === 0 ? [] : [`       NOT THE MEASURE ITSELF: ${changed.join('; ')}`]), ...notes.map((text) => `       note: ${text}`)].join('\n');

  function bound(name: string, value: number | undefined): string {
    return value === undefined ? '' : `${name} ${figure(value)} ${reaches(measure, value) ? 'reached' : 'MISSED'}`;
  }
}

/** Three digits that matter, with thousands apart. */
export function figure(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
