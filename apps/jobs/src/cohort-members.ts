import type { Job } from './job.ts';

/** Removes members of static cohorts that none names: a kill has left them, between a saving's steps or after a deletion. */
export function cohortMembers(cohorts: { sweep(): Promise<number> }): Job {
  return {
    name: 'cohort-members',
    everyMs: 3_600_000,
    async run() {
      const rows = await cohorts.sweep();
      return rows === 0 ? undefined : { rows, did: 'removed ids that no static cohort keeps any more' };
    },
  };
}
