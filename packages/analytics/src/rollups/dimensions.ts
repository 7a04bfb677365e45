import type { RollupDimension } from '@tidemark/warehouse';
import { propertySql } from '../property.ts';
import { TEXT_COLUMNS } from './columns.ts';

/** How the job that makes rollups reads their dimensions: by the same SQL as a question, so that both agree on every value. */
export function rollupDimensions(): RollupDimension[] {
  return Object.entries(TEXT_COLUMNS).map(([name, column]) => ({ column, sql: propertySql(name, 'events', name).text }));
}
