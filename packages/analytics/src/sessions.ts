/**
 * Events brought together to sessions (rules S1 to S4), at read: nothing of it is stored.
 *
 * The times of each stream (person, device, bot or not) are sorted and split where the gap is exceeded. Only where events
 * without a device are about is more needed: who of them falls into which session is found in blocks as long as the gap,
 * so that an account of many devices and many such events doesn't hold each of them against each.
 *
 * 5 million events of a day, 396,000 sessions: 2.0 times (1.9 to 2.4) what one scan takes that aggregates by user and device
 * (`npm run bench -- day`, chDB 26.7, 2026-11-22). With a breakdown, which sorts by eventId and is made twice, 5 to 42 times, of
 * 500,000 events on a busy machine; within 80 bytes an event without one, 320 with.
 * Memory grows with the events of the window: by that some 0.8 and 3.2 GB at 10 M. What is more than a question may take is
 * refused (question_too_expensive).
 */
import { joinIdentity, PERSON_SQL } from './person.ts';
import type { ProjectIdentity } from './project-identity.ts';

export interface SessionQuery {
  /** Absent: the rows are one person's. */
  identity?: ProjectIdentity;
  /**
   * SELECT of all events of a window, with the actor columns, device, bot, at (Int64, epoch ms), tag and `keys`; and where
   * `isOrdered`, sequence and event_id.
   */
  rows: string;
  gapMs: number;
  /** Some of the rows have no device. */
  hasDeviceless: boolean;
  /** First events are told apart where several share a millisecond, and ids are told. Given with `hasDeviceless`, too. */
  isOrdered: boolean;
  /** The tag is a UInt8 below 4: two flags. */
  isFlags?: boolean;
  /** Columns (texts, never '' unless nothing is picked) of which a session takes one of its own events'. */
  keys: readonly { name: string; pick: 'first' | 'last' | 'first set' | 'last set' }[];
}

/**
 * SELECT of the sessions, whole or as much of them as the rows hold: SESSION_COLUMNS (start: Int64, epoch ms), last (likewise,
 * of its device's last event), tags (those of all its events), the `keys`, and where `isOrdered` id.
 */
export function sessionsSql(query: SessionQuery): string {
  const split = splitSql(query);
  return query.hasDeviceless ? joinDeviceless(query, split) : split;
}

/** What tells sessions apart. */
export const SESSION_COLUMNS = ['person', 'device', 'bot', 'start', 'nth'] as const;

const UNSET = '-';

/** The sessions of the streams; each event without a device stands alone. */
function splitSql(query: SessionQuery): string {
  const { identity, rows, gapMs, hasDeviceless } = query;
  const { element, at, columns } = elementOf(query);
  // The device is part of the stream anyway, so that who acted takes no more of the key than the user.
  const byActor = `SELECT actor_user, any(actor_device) AS actor_device, device, bot, groupArray(${element}) AS some FROM (${rows}) GROUP BY actor_user, device, bot`;
  const streams = `SELECT ${personSql(identity)} AS person, device, bot, arraySort(groupArrayArray(some)) AS e
    FROM (${byActor}) AS actors ${joinSql(identity)} GROUP BY person, device, bot`;
  const tooFar = `arrayMap(d -> d > ${gapMs}, arrayDifference(arrayMap(x -> ${at('x')}, e)))`;
  const breaks = hasDeviceless ? `if(device = '', arrayMap(x -> 1, e), ${tooFar})` : tooFar;
  return `SELECT person, device, bot, ${at('piece[1]')} AS start, ${at('piece[-1]')} AS last, toUInt64(0) AS nth, ${columns.join(', ')}
  FROM (SELECT person, device, bot, arraySplit((x, b) -> b, e, ${breaks}) AS pieces FROM (${streams})) ARRAY JOIN pieces AS piece`;
}

/** What is carried of an event, how its time is read, and the columns made of the events of a session (`piece`). */
function elementOf({ isOrdered, isFlags, keys }: SessionQuery): { element: string; at: (element: string) => string; columns: string[] } {
  // One number is sorted faster than a tuple, as in a funnel.
  if (isFlags && !isOrdered) return { element: 'bitOr(bitShiftLeft(at, 2), toInt64(tag))', at: (x) => `bitShiftRight(${x}, 2)`, columns: ['arrayMap(x -> toUInt8(bitAnd(x, 3)), piece) AS tags'] };
  const names = [...(isOrdered ? ['at', 'sequence', 'event_id'] : ['at']), 'tag', ...keys.map(({ name }) => name)];
  const place = (name: string): number => names.indexOf(name) + 1;
  const picked = keys.map(({ name, pick }) => {
    const i = place(name);
    const found = { first: 'piece[1]', last: 'piece[-1]', 'first set': `arrayFirst(x -> x.${i} != '${UNSET}', piece)`, 'last set': `arrayLast(x -> x.${i} != '${UNSET}', piece)` }[pick];
    return `if(${found}.${i} = '', '${UNSET}', ${found}.${i}) AS ${name}`;
  });
  const columns = [...(isOrdered ? [`piece[1].${place('event_id')} AS id`] : []), `arrayMap(x -> x.${place('tag')}, piece) AS tags`, ...picked];
  return { element: `(${names.join(', ')})`, at: (x) => `${x}.1`, columns };
}

/**
 * Lets each event without a device fall into the session of its person that spans it, of several the one begun last, then
 * the smallest id (rule S3). `sessions` holds them as sessions of their own.
 */
function joinDeviceless({ identity, rows, gapMs, keys }: SessionQuery, sessions: string): string {
  const names = keys.map(({ name }) => name);
  const devicelessPeople = `SELECT ${personSql(identity)} FROM (SELECT DISTINCT actor_user, actor_device FROM (${rows}) WHERE device = '') AS actors ${joinSql(identity)}`;
  // A session goes on whole, and once more as a bare span into each block that it touches.
  const twice = `SELECT person, device, bot, start, last, id, ${names.map((name) => `${name}, `).join('')}is_span, if(is_span, [], tags) AS tags,
      multiIf(is_span, range(intDiv(start, ${gapMs}), intDiv(last, ${gapMs}) + 2), device = '', [intDiv(start, ${gapMs})], [toInt64(0)]) AS blocks
    FROM (${sessions}) ARRAY JOIN if(device != '' AND person IN (${devicelessPeople}), [false, true], [false]) AS is_span`;
  const session = `(device, start, last, id, toUInt64(0), tags${names.map((name) => `, ${name}`).join('')})`;
  const blocks = `SELECT person, bot, block, groupArrayIf(${session}, device != '' AND NOT is_span) AS whole,
      arraySort(s -> (-s.2, s.4), groupArrayIf((device, start, last, id), is_span)) AS spans, groupArrayIf(${session}, device = '') AS alone
    FROM (${twice}) ARRAY JOIN blocks AS block GROUP BY person, bot, block`;
  const nothing = names.map(() => `, ''`).join('');
  const own = names.map((_, i) => `, e.${i + 7}`).join('');
  const placed = `arrayMap((e, s, i) -> if(s.1 = '', (e.1, e.2, e.3, e.4, toUInt64(i), e.6${own}), (s.1, s.2, s.3, s.4, toUInt64(0), e.6${nothing})),
      alone, arrayMap(e -> arrayFirst(s -> s.2 <= e.2 AND e.2 <= s.3 + ${gapMs}, spans), alone), arrayEnumerate(alone))`;
  const picked = names.map((name, i) => `max(s.${i + 7}) AS ${name}`);
  return `SELECT person, s.1 AS device, bot, s.2 AS start, max(s.3) AS last, s.5 AS nth, any(s.4) AS id, ${['groupArrayArray(s.6) AS tags', ...picked].join(', ')}
  FROM (SELECT person, bot, whole, ${placed} AS fallen FROM (${blocks})) ARRAY JOIN arrayConcat(whole, fallen) AS s
  GROUP BY person, device, bot, start, nth`;
}

function personSql(identity: ProjectIdentity | undefined): string {
  return identity === undefined ? `''` : PERSON_SQL;
}

function joinSql(identity: ProjectIdentity | undefined): string {
  return identity === undefined ? '' : joinIdentity(identity);
}
