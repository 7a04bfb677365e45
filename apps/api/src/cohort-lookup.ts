import type { CohortLookup } from '@tidemark/analytics';
import { ControlError, type Control } from '@tidemark/control';

/** Finds a cohort by the name that it was saved under. */
export function cohortLookup({ questions }: Pick<Control, 'questions'>): CohortLookup {
  return async (project, name) => {
    const saved = await questions.get({ project, kind: 'cohort', name }).catch((error: unknown) => {
      if (error instanceof ControlError && error.code === 'unknown_question') return undefined;
      throw error;
    });
    return saved && { question: saved.body, ...(saved.members && { members: saved.members.id }) };
  };
}
