import type { AnswerCache } from './answer-cache.ts';
import type { DerivedChanges } from './stored.ts';

/** What it takes to answer from what was computed before. */
export interface Caching {
  answers: AnswerCache;
  /** Grows with everything that people change about a project: settings, saved cohorts, decisions about identity. */
  decisions(project: string): Promise<number>;
  changes(): DerivedChanges;
}
