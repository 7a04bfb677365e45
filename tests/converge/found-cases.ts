/** Histories that once ended at another answer than the model's, tried on every run. */
import type { History } from './history.ts';

export const FOUND: readonly History[] = [];
