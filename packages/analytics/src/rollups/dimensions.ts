import { literal, type RollupDimension } from '@tidemark/warehouse';
import { propertySql } from '../property.ts';
import { TEXT_COLUMNS } from './columns.ts';

/**
 * How the job that makes rollups reads their dimensions: by the same SQL as a question, so that both agree on every value.
 * A text without the key, and without an escape that could write it, is not parsed: most events have no campaign.
 */
export function rollupDimensions(): RollupDimension[] {
  return Object.entries(TEXT_COLUMNS).map(([name, column]) => {
    const [, key = ''] = name.split('.');
    const mayHave = `position(context, ${literal(key)}) > 0 OR position(context, ${literal('\\')}) > 0`;
    return { column, sql: `if(${mayHave}, ${propertySql(name, 'events', name).text}, NULL)` };
  });
}
