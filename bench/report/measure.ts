import type { Machine } from './machine.ts';
import { turnedKnobs } from '../options.ts';

export interface Spread {
  min: number;
  median: number;
  max: number;
  rounds: number;
}

/** Of an even number of rounds the lower of the two in the middle: no figure is made that wasn't measured. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    min: sorted[0] ?? 0,
    median: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0,
    max: sorted[sorted.length - 1] ?? 0,
    rounds: sorted.length,
  };
}

export interface Measure {
  /** As in the list of measures: `R4`. */
  id: string;
  what: string;
  /** The figure that floor and goal are about. */
  value: Spread;
  unit: string;
  better: 'higher' | 'lower';
  /** Absent where none was set. */
  floor?: number;
  goal?: number;
  /** In which ways this run is smaller than the measure asks for. */
  reduced?: string[];
  /** What a reader of the figure has to know of this run. */
  notes?: string[];
  details: Record<string, unknown>;
}

/** What is written down of a measure: the figure, when, and which knobs were turned. */
export interface MeasuredResult extends Measure {
  at: string;
  knobs: string[];
  /** Where it is not the one of the other results beside it. */
  commit?: string;
  /** The same. */
  machine?: Machine;
}

/** Throws when a figure is none: a division by nothing measured. */
export function stamped(measure: Measure): MeasuredResult {
  for (const value of Object.values(measure.value)) if (!Number.isFinite(value)) throw new Error(`${measure.id} has no figure`);
  return { ...measure, at: new Date().toISOString(), knobs: turnedKnobs() };
}

export function reaches(measure: Pick<Measure, 'value' | 'better'>, bound: number): boolean {
  return measure.better === 'higher' ? measure.value.median >= bound : measure.value.median <= bound;
}
