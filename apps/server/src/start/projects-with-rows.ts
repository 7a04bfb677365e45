import { literal, type Warehouse } from '@tidemark/warehouse';

/** Those of `projects` of which a table of events holds anything. */
export async function projectsWithRows(warehouse: Warehouse, projects: readonly string[]): Promise<string[]> {
  const ids = projects.map((project) => literal(project)).join(', ');
  const selects = ['events', 'timeline', 'quarantine'].map((table) => `SELECT DISTINCT project FROM ${table} WHERE project IN (${ids})`);
  const { rows } = await warehouse.query<{ project: string }>(`SELECT DISTINCT project FROM (${selects.join(' UNION ALL ')})`);
  return rows.map(({ project }) => project);
}
