import type { Measure } from '../report/measure.ts';
import { r1 } from './r1.ts';
import { r2 } from './r2.ts';
import { r4 } from './r4.ts';

export interface Runnable {
  run: () => Promise<Measure[]>;
  /** Whether `npm run bench` without a name runs it. */
  inAll: boolean;
  about: string;
}

export const MEASURES: Record<string, Runnable> = {
  r1: { run: r1, inAll: true, about: 'durable accepted events/s' },
  r2: { run: r2, inAll: true, about: 'what fsync costs' },
  r4: { run: r4, inAll: true, about: 'events/s end to end' },
};
