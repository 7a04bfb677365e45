import { literal } from '@tidemark/warehouse';

/** SELECT of `key`, the ids that a static cohort keeps. `members`: of that saving. */
export function membersKeys(project: string, members: string): string {
  return `SELECT node AS key FROM cohort_members WHERE project = ${literal(project)} AND members = ${literal(members)}`;
}
