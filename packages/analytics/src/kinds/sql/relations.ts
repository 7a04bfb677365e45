/**
 * What an SQL query may name (rule Z3), as SELECTs over tables that the process of the query is handed: the lake's events under the name
 * `events`, and the project's rows of others under their own. So the same SQL tells who is who and what a session is as in other questions.
 */
import { literal, type AdhocRelations } from '@tidemark/warehouse';
import { ACTOR_COLUMNS, joinIdentity, PERSON_NAME_SQL, PERSON_SQL, personsOfActors } from '../../identity/person.ts';
import { plainIdentity, type ProjectIdentity } from '../../identity/project-identity.ts';
import { DEFAULT_GAP_MS } from '../../sessions/session-window.ts';
import { sessionsSql } from '../../sessions/sessions.ts';

const TIME = "DateTime64(3, 'UTC')";
const EVENT_TEXTS = [
  'event_id', 'event_name', 'type', 'user_id', 'anonymous_id', 'session_id', 'group_id', 'previous_id', 'source', 'schema_version', 'country', 'os', 'browser',
  'device_type', 'channel', 'campaign_source', 'campaign_medium', 'campaign_name', 'referrer_host', 'page_path', 'app_version', 'locale', 'properties', 'context', 'traits',
];
const EVENT_TIMES = ['time', 'original_time', 'received_at'];
const EVENTS = {
  name: 'events',
  columns: [...EVENT_TEXTS.map((name) => `${name} String`), ...EVENT_TIMES.map((name) => `${name} ${TIME}`), 'sequence Int64', 'bot UInt8'].join(', '),
};
const DIMENSIONS = ['event_name', 'source', 'country', 'device_type', 'channel', 'campaign_source', 'campaign_medium', 'campaign_name'];

/** The views as `identity` tells persons apart, and the tables behind them. */
export function sqlRelations(identity: ProjectIdentity): AdhocRelations {
  const inProject = `project = ${literal(identity.project)}`;
  const { table } = identity;
  const overrides = table === undefined ? [] : [{
    name: 'identity_overrides',
    columns: 'project String, version UInt64, kind String, one String, other String',
    select: `SELECT * FROM identity_overrides WHERE ${inProject} AND version IN (${[table.base, ...table.changes].join(', ')})`,
  }];
  const persons = ['identity_claims', ...overrides.map(({ name }) => name)];
  return {
    events: EVENTS,
    others: [
      {
        name: 'identity_claims',
        columns: `project String, device String, user String, first Tuple(time ${TIME}, event_id String)`,
        select: `SELECT toString(project) AS project, device, user, min(first) AS first FROM identity_claims WHERE ${inProject} GROUP BY project, device, user`,
      },
      ...overrides,
      { name: OTHER_NAMES, columns: 'id String, is_user UInt8, person String', select: otherNamesSql(identity) },
      {
        name: 'trait_changes',
        columns: `user_id String, anonymous_id String, time ${TIME}, sequence Int64, event_id String, traits String`,
        select: `SELECT user_id, anonymous_id, time, sequence, event_id, traits FROM trait_changes WHERE ${inProject} AND is_of_group = 0`,
      },
      {
        name: 'rollups',
        columns: `bucket ${TIME}, ${DIMENSIONS.map((name) => `${name} String`).join(', ')}, bot UInt8, events UInt64, actors UInt64`,
        select: rollupsSql(inProject),
      },
    ],
    views: [
      { name: 'events', reads: ['events'], persons: [OTHER_NAMES], select: eventsSql(identity), selectWithoutPersons: `SELECT ${eventColumns("''")} FROM events` },
      { name: 'sessions', reads: ['events', ...persons], persons: [], select: sessionRows(identity) },
      { name: 'people', reads: ['events', 'trait_changes', ...persons], persons: [], select: peopleSql(identity) },
      { name: 'identities', reads: ['events', ...persons], persons: [], select: identitiesSql(identity) },
      { name: 'rollups', reads: ['rollups'], persons: [], select: `SELECT bucket, ${DIMENSIONS.join(', ')}, CAST(bot, 'Bool') AS bot, events, actors FROM rollups` },
    ],
  };
}

/** A view of the people that a SELECT of `person_id` tells, and the table behind it. */
export function withPeople(relations: AdhocRelations, view: string, select: string): AdhocRelations {
  return {
    ...relations,
    others: [...relations.others, { name: view, columns: 'person_id String', select, isAsked: true }],
    views: [...relations.views, { name: view, reads: [view], persons: [], select: `SELECT person_id FROM ${view}` }],
  };
}

/** The ids that are not their person's name: of devices that have an owner, and of whom an alias or a decision joined to another. */
const OTHER_NAMES = 'other_names';

function otherNamesSql(identity: ProjectIdentity): string {
  const isUser = "of_user != ''";
  return `SELECT if(${isUser}, of_user, of_device) AS id, toUInt8(${isUser}) AS is_user, substring(of_person, 2) AS person FROM (${personsOfActors(identity, { isOnOneThread: true })})`;
}

/**
 * Persons are looked up by one id at a time, in a table that has the names as they are shown: 1.4 M events by day and person took 0.39 s
 * of CPU so, 0.46 s by the id together with whether it is a user's (chDB 26.7, 2026-11-23).
 */
function eventsSql(identity: ProjectIdentity): string {
  const named = (alias: string, column: string, whose: string): string =>
    `LEFT ANY JOIN (SELECT id, person FROM ${OTHER_NAMES} WHERE ${whose}) AS ${alias} ON ${column} = ${alias}.id`;
  const ofDevice = named('of_device', 'anonymous_id', 'is_user = 0');
  // Where nobody was joined, only devices are looked up, and a user is who he says.
  const [ofUser, user] = identity.persons.length === 0 ? ['', ''] : [named('of_user', 'user_id', 'is_user = 1'), "of_user.person != '', of_user.person, "];
  return `SELECT ${eventColumns(`multiIf(${user}user_id != '', user_id, of_device.person != '', of_device.person, anonymous_id)`)} FROM events ${ofDevice} ${ofUser}`;
}

function eventColumns(person: string): string {
  const [ids, rest] = [EVENT_TEXTS.slice(0, 3), EVENT_TEXTS.slice(3)];
  return [...ids, ...EVENT_TIMES, `${person} AS person_id`, ...rest.slice(0, 7), 'sequence', "CAST(bot, 'Bool') AS bot", ...rest.slice(7)].join(', ');
}

/** Columns of a session that are taken of one of its events. */
const PICKED = [
  { name: 'entry_event', column: 'event_name', pick: 'first' },
  { name: 'exit_event', column: 'event_name', pick: 'last set' },
  { name: 'entry_page', column: 'page_path', pick: 'first set' },
  { name: 'exit_page', column: 'page_path', pick: 'last set' },
  { name: 'source', column: 'campaign_source', pick: 'first' },
  { name: 'medium', column: 'campaign_medium', pick: 'first' },
  { name: 'campaign', column: 'campaign_name', pick: 'first' },
  { name: 'channel', column: 'channel', pick: 'first' },
  { name: 'country', column: 'country', pick: 'first' },
  { name: 'device_type', column: 'device_type', pick: 'first' },
] as const;

function sessionRows(identity: ProjectIdentity): string {
  const keys = PICKED.map(({ name, pick }) => ({ name: `picked_${name}`, pick }));
  const columns = PICKED.map(({ name, column }) => `if(${column} = '', '-', concat('=', ${column})) AS picked_${name}`);
  const rows = `SELECT ${ACTOR_COLUMNS}, anonymous_id AS device, bot, toUnixTimestamp64Milli(time) AS at, sequence, event_id, toUInt8(type IN ('page', 'screen')) AS tag, ${columns.join(', ')} FROM events`;
  const sessions = sessionsSql({ identity, rows, gapMs: DEFAULT_GAP_MS, hasDeviceless: true, isOrdered: true, keys });
  const shown = PICKED.map(({ name }) => `if(startsWith(picked_${name}, '='), substring(picked_${name}, 2), '') AS ${name}`);
  return `SELECT id AS session_id, substring(person, 2) AS person_id, device AS anonymous_id, fromUnixTimestamp64Milli(start, 'UTC') AS started_at,
  fromUnixTimestamp64Milli(last, 'UTC') AS ended_at, (last - start) / 1000 AS duration_seconds, toUInt64(length(tags)) AS events, toUInt64(arraySum(tags)) AS pages,
  CAST(length(tags) = 1, 'Bool') AS bounced, ${shown.join(', ')}, CAST(bot, 'Bool') AS bot
FROM (${sessions})`;
}

function peopleSql(identity: ProjectIdentity): string {
  const join = joinIdentity(identity);
  const actors = 'SELECT user_id AS actor_user, if(user_id = \'\', anonymous_id, \'\') AS actor_device, min(time) AS first, max(time) AS last, count() AS n FROM events GROUP BY actor_user, actor_device';
  const devices = "SELECT DISTINCT '' AS actor_user, anonymous_id AS actor_device FROM events WHERE anonymous_id != ''";
  const said = `SELECT ${PERSON_SQL} AS person, arrayJoin(JSONExtractKeysAndValuesRaw(traits)) AS said, time, sequence, event_id FROM (SELECT *, ${ACTOR_COLUMNS} FROM trait_changes) AS actors ${join}`;
  const known = `SELECT person, said.1 AS key, argMax(said.2, (time, sequence, event_id)) AS value FROM (${said}) GROUP BY person, key HAVING value != 'null'`;
  return `SELECT substring(seen.person, 2) AS person_id, if(startsWith(seen.person, 'u'), person_id, '') AS user_id, owned.devices AS anonymous_ids, first_seen, last_seen, events,
  if(told.traits = '', '{}', told.traits) AS traits
FROM (SELECT ${PERSON_SQL} AS person, min(first) AS first_seen, max(last) AS last_seen, toUInt64(sum(n)) AS events FROM (${actors}) AS actors ${join} GROUP BY person) AS seen
LEFT JOIN (SELECT ${PERSON_SQL} AS person, arraySort(groupArray(actor_device)) AS devices FROM (${devices}) AS actors ${join} GROUP BY person) AS owned ON seen.person = owned.person
LEFT JOIN (SELECT person, concat('{', arrayStringConcat(arraySort(groupArray(concat(toJSONString(key), ':', value))), ','), '}') AS traits FROM (${known}) GROUP BY person) AS told ON seen.person = told.person`;
}

function identitiesSql(identity: ProjectIdentity): string {
  const nodes = `SELECT user_id AS id, 'user' AS kind, user_id AS actor_user, '' AS actor_device, min(time) AS first_seen FROM events WHERE user_id != '' GROUP BY user_id
UNION ALL SELECT anonymous_id, 'device', '', anonymous_id, min(time) FROM events WHERE anonymous_id != '' GROUP BY anonymous_id`;
  return `SELECT id, kind, ${PERSON_NAME_SQL} AS person_id, first_seen FROM (${nodes}) AS actors ${joinIdentity(identity)}`;
}

/** The newest version of each bucket. */
function rollupsSql(inProject: string): string {
  const within = `${inProject} AND property = '' AND width = 900`;
  const dimensions = DIMENSIONS.map((name) => `ifNull(toString(${name}), '') AS ${name}`);
  return `SELECT bucket, ${DIMENSIONS.join(', ')}, bot, sum(n) AS events, uniqExactArray(actors) AS actors
FROM (SELECT time AS bucket, ${dimensions.join(', ')}, bot, events AS n, actors FROM rollup_rows
  WHERE ${within} AND (time, version) IN (SELECT time, max(version) FROM rollup_buckets WHERE ${within} GROUP BY time))
GROUP BY bucket, ${DIMENSIONS.join(', ')}, bot`;
}

/** What the processes of queries do beforehand: nobody's data, and statements that use what most do. */
export const SQL_REHEARSAL: { relations: AdhocRelations; queries: readonly string[] } = {
  relations: sqlRelations(plainIdentity('')),
  queries: [
    `SELECT toDate(time) AS day, event_name, count() AS events, uniqExact(person_id) AS people, uniqExactIf(person_id, event_name = 'a') AS some,
  round(sumIf(JSONExtractFloat(properties, 'a'), event_name = 'a'), 2) AS worth, max(JSONExtractString(properties, 'b')), quantile(0.9)(sequence)
FROM events WHERE time >= '2000-01-01 00:00:00' AND time < '2200-01-01 00:00:00' AND NOT bot GROUP BY day, event_name ORDER BY events DESC LIMIT 10`,
  ],
};
