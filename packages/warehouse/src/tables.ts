/** How a staged row becomes a row of each table: [column, expression over the staging table]. */
import { literal } from './literal.ts';

type Mapping = readonly (readonly [column: string, expression: string])[];

const same = (...columns: string[]): Mapping => columns.map((column) => [column, column] as const);

const WHO_AND_WHAT = same(
  'project', 'event_name', 'time', 'received_at', 'original_time', 'event_id', 'user_id', 'anonymous_id', 'session_id',
  'sequence', 'type', 'source', 'schema_version', 'group_id', 'previous_id', 'bot', 'flags',
);
const ENRICHED = same(
  'country', 'os', 'browser', 'device_type', 'channel', 'campaign_source', 'campaign_medium', 'campaign_name',
  'referrer_host', 'page_path', 'app_version', 'locale',
);
const DOCUMENTS = same('properties', 'context', 'traits');
/**
 * The JSON column takes what the door has made of the properties. Their text is not parsed here, so whether it can be is
 * asked apart (0.2 us a row): the timeline, the lake and every rebuild rely on it.
 */
const INDEXED_PROPERTIES = [
  'properties',
  "if(throwIf(NOT (startsWith(properties, '{') AND isValidJSON(properties)), 'the properties are no JSON object') = 0, property_index, property_index)",
] as const;

/** Between the texts in `packed` of `timeline`: in JSON it can't stand as it is. */
export const RECORD_SEPARATOR = '\u001e';

/** The columns of migration 014 that are made of `packed` are in this order; packages/analytics/src/timeline/output.ts reads it, too. */
const PACKED_HEAD = [
  ...['event_name', 'type', 'session_id', 'group_id', 'previous_id', 'schema_version', 'source', 'flags'].map((column) => `toString(${column})`),
  'toString(toUnixTimestamp64Milli(original_time))',
];
const PACKED = `concat(toJSONString([${PACKED_HEAD.join(', ')}]), ${['properties', 'context', 'traits'].map((text) => `'\\x1E', ${text}`).join(', ')})`;

/** The tables that hold each stored event, or its id, at its log position. */
export const POSITIONED_TABLES = {
  events: [...WHO_AND_WHAT, ...ENRICHED, INDEXED_PROPERTIES, ...same('context', 'traits')],
  timeline: [
    ['raw_id', "if(anonymous_id != '', anonymous_id, user_id)"],
    ...same('project', 'time', 'sequence', 'event_id', 'user_id', 'anonymous_id', 'received_at', 'bot'),
    ['packed', PACKED],
  ],
  event_ids: [...same('key', 'content'), ['received_at', 'toDateTime(received_at)']],
} as const satisfies Record<string, Mapping>;

export type PositionedTable = keyof typeof POSITIONED_TABLES;

/** Columns of a Parquet file of the lake: the whole event as it was staged, so that tables can be made again from it. */
export const LAKE_COLUMNS: Mapping = [...WHO_AND_WHAT, ...ENRICHED, ...DOCUMENTS, ...same('key', 'content')];

/** A run of offsets [from, to) of one partition of one log. */
export interface OffsetRange {
  epoch: string;
  partition: number;
  from: number;
  to: number;
}

export function positionCondition({ epoch, partition, from, to }: OffsetRange): string {
  return `epoch = ${literal(epoch)} AND partition = ${partition} AND offset >= ${from} AND offset < ${to}`;
}

/** SELECT of the staged rows in the shape of `mapping`, with their position. */
export function stagedRows(mapping: Mapping, { epoch, partition }: OffsetRange): string {
  const columns = mapping.map(([column, expression]) => (column === expression ? column : `${expression} AS ${column}`));
  return `SELECT ${columns.join(', ')}, ${literal(epoch)} AS epoch, toUInt16(${partition}) AS partition, offset FROM staging`;
}

/**
 * INSERT of the staged rows into one table. `onlyMissing` first asks the table which offsets of the range it already
 * holds (a second try after a kill or an error) and writes the others.
 */
export function insertStaged(table: PositionedTable, range: OffsetRange, onlyMissing: boolean): string {
  const missing = `offset NOT IN (SELECT offset FROM ${table} WHERE ${positionCondition(range)})`;
  return insertStagedWhere(table, table, range, onlyMissing ? missing : undefined);
}

/** INSERT of those staged rows that meet `condition` into `target`, which has the columns of `table`. */
export function insertStagedWhere(table: PositionedTable, target: string, range: OffsetRange, condition: string | undefined): string {
  const mapping = POSITIONED_TABLES[table];
  const columns = [...mapping.map(([column]) => column), 'epoch', 'partition', 'offset'].join(', ');
  return `INSERT INTO ${target} (${columns}) ${stagedRows(mapping, range)}${condition === undefined ? '' : ` WHERE ${condition}`}`;
}

/**
 * Takes out of one table what it holds of the range and is not staged: what a first try wrote before it became known
 * which rows the stores refuse.
 */
export function deleteUnstaged(table: PositionedTable, range: OffsetRange): string {
  return `DELETE FROM ${table} WHERE ${unstagedCondition(range)} SETTINGS lightweight_deletes_sync = 2`;
}

/** How many rows `deleteUnstaged` would take out, as `unstaged`. */
export function countUnstaged(table: PositionedTable, range: OffsetRange): string {
  return `SELECT count() AS unstaged FROM ${table} WHERE ${unstagedCondition(range)}`;
}

function unstagedCondition(range: OffsetRange): string {
  return `${positionCondition(range)} AND offset NOT IN (SELECT offset FROM staging)`;
}
