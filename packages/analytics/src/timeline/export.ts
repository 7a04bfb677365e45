/** Events as a file, one a line, streamed from the table `timeline` (it holds the original JSON texts). */
import type { Warehouse } from '@tidemark/warehouse';
import Type, { type Static } from 'typebox';
import { SavedCohorts, type CohortLookup } from '../cohorts/saved-cohorts.ts';
import { completenessOf, type Completeness } from '../asking/completeness.ts';
import { withDefinitions } from '../asking/definitions.ts';
import { eventsSql } from '../events/events.ts';
import { outputLine, outputSelect, TIMELINE_COLUMNS, type TimelineRow } from './output.ts';
import { ACTOR_COLUMNS, joinIdentity, PERSON_NAME_SQL } from '../identity/person.ts';
import type { Freshness } from '../ports.ts';
import { plainIdentity, type ProjectIdentity } from '../identity/project-identity.ts';
import { timeRange, type TimeRange } from '../time/range.ts';
import { COMMON, Where } from '../question/schema.ts';
import { SESSION_ID, SESSION_START } from '../sessions/session-of-event.ts';
import type { SessionSource } from '../sessions/sessions-of-range.ts';
import { validate } from '../question/validate.ts';
import { waitFor } from '../asking/wait-for.ts';

const EXPORT_FORMATS = ['ndjson', 'csv', 'parquet'] as const;

export const ExportRequest = Type.Object(
  {
    format: Type.Optional(Type.Enum([...EXPORT_FORMATS], { description: `one of ${EXPORT_FORMATS.join(', ')}` })),
    from: COMMON.from,
    to: COMMON.to,
    range: COMMON.range,
    timezone: COMMON.timezone,
    where: Type.Optional(Where),
    waitFor: COMMON.waitFor,
    sessions: Type.Optional(Type.Boolean({ description: 'false = without the session of each event, which costs memory and time' })),
  },
  { additionalProperties: false },
);
export type ExportRequest = Static<typeof ExportRequest>;

export interface EventExport {
  format: (typeof EXPORT_FORMATS)[number];
  contentType: string;
  /** How far the file that is streamed afterwards is complete. Waits where the request says so. */
  begin(): Promise<Completeness>;
  /** The file's bytes. Throws WarehouseError. */
  stream(): AsyncIterable<Buffer>;
}

const CONTENT_TYPES = { ndjson: 'application/x-ndjson', csv: 'text/csv; charset=utf-8', parquet: 'application/vnd.apache.parquet' };

/** Sessions are held in memory: of more events none are told. */
const MAX_SESSION_EVENTS = 2_000_000;

/**
 * An export that a request body asks for; nothing is read before `begin()`. `identity`: the project's; absent = nobody is joined or
 * cut. `cohort`: finds saved cohorts; `stream()` throws a QuestionError for those that there are not. Throws QuestionError.
 */
export function exportEvents(body: unknown, context: { project: string; warehouse: Warehouse; clock: () => number; freshness: Freshness; identity?: ProjectIdentity; cohort?: CohortLookup }): EventExport {
  const request = validate(ExportRequest, body);
  const { format = 'ndjson' } = request;
  const { project, warehouse, clock, identity = plainIdentity(project), cohort } = context;
  const range = timeRange(request, clock());
  const statements = { with: exportSql(request, true, range, identity), without: exportSql(request, false, range, identity) };
  const cohorts = new SavedCohorts({ project, identity, nowMs: clock() }, cohort);
  const query = async <Row>(sql: string): Promise<Row[]> => (await warehouse.query<Row>(sql)).rows;
  async function* stream(): AsyncIterable<Buffer> {
    await cohorts.check(request);
    const isTold = request.sessions !== false && (await isFew(range, project, query));
    const sql = await withDefinitions(isTold ? statements.with : statements.without, { identity, query, cohortIds: (name) => cohorts.ids(name) });
    yield* format === 'ndjson' ? outputLines(warehouse.stream(sql, 'JSONEachRow')) : warehouse.stream(sql, format === 'csv' ? 'CSVWithNames' : 'Parquet');
  }
  const begin = async (): Promise<Completeness> => {
    if (request.waitFor !== undefined) await waitFor(request.waitFor, context);
    return completenessOf(context.freshness.status(), range);
  };
  return { format, contentType: CONTENT_TYPES[format], begin, stream };
}

async function isFew({ fromMs, toMs }: TimeRange, project: string, query: SessionSource['query']): Promise<boolean> {
  const rows = await query<{ n: number }>(`SELECT count() AS n FROM (${eventsSql({ project, fromMs, toMs, events: undefined, includeBots: true, where: [], columns: [] })})`);
  return Number(rows[0]?.n ?? 0) <= MAX_SESSION_EVENTS;
}

/**
 * SELECT of an export, for `withDefinitions`. csv and parquet: the columns of an output event, JSON where it nests; ndjson: raw rows
 * for `outputLine`. Bots are included. Throws QuestionError.
 */
function exportSql(request: ExportRequest, hasSessions: boolean, { fromMs, toMs }: TimeRange, identity: ProjectIdentity): string {
  const session = [`${hasSessions ? SESSION_ID : `''`} AS session_first_id`, `${hasSessions ? `toUnixTimestamp64Milli(${SESSION_START})` : '0'} AS session_start_ms`];
  const rows = eventsSql({
    project: identity.project, fromMs, toMs, events: undefined, includeBots: true, table: 'timeline',
    where: [[request.where, 'where']], columns: [ACTOR_COLUMNS, ...TIMELINE_COLUMNS, ...session],
  });
  const shape = (request.format ?? 'ndjson') === 'ndjson' ? `${outputSelect(PERSON_NAME_SQL)}, session_first_id, session_start_ms` : FILE_COLUMNS.map(([name, sql]) => `${sql} AS ${name}`).join(', ');
  // An empty cell, as every reader of CSV knows it; ClickHouse's own is \N.
  return `SELECT ${shape} FROM (${rows}) AS actors ${joinIdentity(identity)} SETTINGS format_csv_null_representation = ''`;
}

const FILE_COLUMNS: readonly (readonly [name: string, sql: string])[] = [
  ['eventId', 'event_id'],
  ['eventName', 'event_name'],
  ['type', 'type'],
  ['userId', 'user_id'],
  ['anonymousId', 'anonymous_id'],
  ['sessionId', 'session_id'],
  ['groupId', 'group_id'],
  ['previousId', 'previous_id'],
  ['personId', PERSON_NAME_SQL],
  ['session', `if(session_first_id = '', '', concat('{"id":', toJSONString(session_first_id), ',"start":"', ${isoSql(`fromUnixTimestamp64Milli(session_start_ms, 'UTC')`)}, '"}'))`],
  ['timestamp', isoSql('time')],
  ['originalTimestamp', isoSql('original_time')],
  ['receivedAt', isoSql('received_at')],
  ['sequence', 'if(bitTest(flags, 1), sequence, NULL)'],
  ['schemaVersion', 'schema_version'],
  ['source', 'source'],
  ['bot', 'toBool(bot = 1)'],
  ['properties', 'properties'],
  ['context', 'context'],
  ['traits', 'traits'],
];

function isoSql(column: string): string {
  return `concat(replaceOne(toString(${column}), ' ', 'T'), 'Z')`;
}

/** Turns a stream of JSONEachRow into lines of output events, whatever the chunks' borders. */
async function* outputLines(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    rest = bytes.subarray(end);
    if (end > 0) yield linesOf(bytes.subarray(0, end));
  }
  if (rest.length > 0) yield linesOf(rest);
}

function linesOf(bytes: Buffer): Buffer {
  let text = '';
  for (const line of bytes.toString().split('\n')) {
    if (line !== '') text += `${outputLine(JSON.parse(line) as TimelineRow)}\n`;
  }
  return Buffer.from(text);
}
