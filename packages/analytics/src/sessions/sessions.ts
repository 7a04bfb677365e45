/**
 * Events brought together to sessions (rules S1 to S4), at read: nothing of it is stored.
 *
 * The times of each stream (person, device, bot or not) are sorted and split where the gap is exceeded. Only where events
 * without a device are about is more needed: who of them falls into which session is found in blocks as long as the gap,
 * so that an account of many devices and many such events doesn't hold each of them against each.
 *
 * 5 million events of a day, 396,000 sessions: 2.0 times (1.9 to 2.4) what one scan takes that aggregates by user and device
 * (`npm run bench -- day`, chDB 26.7, 2026-11-22). With a breakdown by what the first or last event
 * says, which sorts by eventId, three times as long: 7.7 s in place of 2.5 for 10 M events of 90 days (2026-11-23); within 80 bytes an
 * event without one, 320 with.
 * Memory grows with the events of the window: by that some 0.8 and 3.2 GB at 10 M. What is more than a question may take is
 * refused (question_too_expensive).
 */
import { BY_KEY, type Naming } from '../identity/naming.ts';
import type { ProjectIdentity } from '../identity/project-identity.ts';

export interface SessionQuery {
  /** Absent: the rows are one person's. */
  identity?: ProjectIdentity;
  /** How people and devices are named in `rows`; absent = by keys. */
  naming?: Naming;
  /**
   * SELECT of all events of a window, with the naming's columns and device, bot, at (Int64, epoch ms), tag and `keys`; and where
   * `isOrdered`, sequence and event_id.
   */
  rows: string;
  gapMs: number;
  /** Some of the rows may be bots'; absent = true. */
  hasBots?: boolean;
  /** Some of the rows have no device. */
  hasDeviceless: boolean;
  /** First events are told apart where several share a millisecond, and ids are told. Given with `hasDeviceless`, too. */
  isOrdered: boolean;
  /** The tag is a UInt8 below 4: two flags. What is told in `tags` has them as its lowest bits, and may have others above. */
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
  const { naming = BY_KEY, rows, hasDeviceless, hasBots = true } = query;
  const { element, at, apart, gap, columns } = elementOf(query);
  const stream = hasBots ? 'device, bot' : 'device';
  const byActor = `SELECT ${naming.actor}, ${stream}, groupArray(${element}) AS some FROM (${rows}) GROUP BY ${naming.actor}, ${stream}`;
  const streams = `SELECT ${personSql(query)} AS person, ${stream}, arraySort(groupArrayArray(some)) AS e
    FROM (${byActor}) AS actors ${joinSql(query)} GROUP BY person, ${stream}`;
  const breaks = `d > ${gap}${hasDeviceless ? ` OR device = ${naming.noDevice}` : ''}`;
  return `SELECT person, device, ${hasBots ? 'bot' : 'toUInt8(0) AS bot'}, ${at('piece[1]')} AS start, ${at('piece[-1]')} AS last, toUInt64(0) AS nth, ${columns.join(', ')}
  FROM (SELECT person, ${stream}, arraySplit((x, d) -> ${breaks}, e, arrayDifference(${apart})) AS pieces FROM (${streams})) ARRAY JOIN pieces AS piece`;
}

interface Element {
  /** What is carried of an event. */
  element: string;
  /** The time of one. */
  at: (element: string) => string;
  /** Of a stream's events `e` numbers that differ by more than `gap` where the events are further apart than a session allows. */
  apart: string;
  gap: number;
  /** Made of the events of a session (`piece`). */
  columns: string[];
}

function elementOf({ isOrdered, isFlags, keys, gapMs }: SessionQuery): Element {
  // One number is sorted faster than a tuple, as in a funnel. It leaves a bit above the flags, so that times can be told apart without
  // taking them out: numbers differ by at most 3 more or less than eight times what the times do.
  if (isFlags && !isOrdered) return { element: 'bitOr(bitShiftLeft(at, 3), toInt64(tag))', at: (x) => `bitShiftRight(${x}, 3)`, apart: 'e', gap: 8 * gapMs + 4, columns: ['piece AS tags'] };
  const names = [...(isOrdered ? ['at', 'sequence', 'event_id'] : ['at']), 'tag', ...keys.map(({ name }) => name)];
  const place = (name: string): number => names.indexOf(name) + 1;
  const picked = keys.map(({ name, pick }) => {
    const i = place(name);
    const found = { first: 'piece[1]', last: 'piece[-1]', 'first set': `arrayFirst(x -> x.${i} != '${UNSET}', piece)`, 'last set': `arrayLast(x -> x.${i} != '${UNSET}', piece)` }[pick];
    return `if(${found}.${i} = '', '${UNSET}', ${found}.${i}) AS ${name}`;
  });
  const columns = [...(isOrdered ? [`piece[1].${place('event_id')} AS id`] : []), `arrayMap(x -> x.${place('tag')}, piece) AS tags`, ...picked];
  return { element: `(${names.join(', ')})`, at: (x) => `${x}.1`, apart: 'arrayMap(x -> x.1, e)', gap: gapMs, columns };
}

/**
 * Lets each event without a device fall into the session of its person that spans it, of several the one begun last, then
 * the smallest id (rule S3). `sessions` holds them as sessions of their own.
 */
function joinDeviceless(query: SessionQuery, sessions: string): string {
  const { naming = BY_KEY, rows, gapMs, keys } = query;
  const none = naming.noDevice;
  const names = keys.map(({ name }) => name);
  const devicelessPeople = `SELECT ${personSql(query)} FROM (SELECT DISTINCT ${naming.actor} FROM (${rows}) WHERE device = ${none}) AS actors ${joinSql(query)}`;
  // A session goes on whole, and once more as a bare span into each block that it touches.
  const twice = `SELECT person, device, bot, start, last, id, ${names.map((name) => `${name}, `).join('')}is_span, if(is_span, [], tags) AS tags,
      multiIf(is_span, range(intDiv(start, ${gapMs}), intDiv(last, ${gapMs}) + 2), device = ${none}, [intDiv(start, ${gapMs})], [toInt64(0)]) AS blocks
    FROM (${sessions}) ARRAY JOIN if(device != ${none} AND person IN (${devicelessPeople}), [false, true], [false]) AS is_span`;
  const session = `(device, start, last, id, toUInt64(0), tags${names.map((name) => `, ${name}`).join('')})`;
  const blocks = `SELECT person, bot, block, groupArrayIf(${session}, device != ${none} AND NOT is_span) AS whole,
      arraySort(s -> (-s.2, s.4), groupArrayIf((device, start, last, id), is_span)) AS spans, groupArrayIf(${session}, device = ${none}) AS alone
    FROM (${twice}) ARRAY JOIN blocks AS block GROUP BY person, bot, block`;
  const nothing = names.map(() => `, ''`).join('');
  const own = names.map((_, i) => `, e.${i + 7}`).join('');
  const placed = `arrayMap((e, s, i) -> if(s.1 = ${none}, (e.1, e.2, e.3, e.4, toUInt64(i), e.6${own}), (s.1, s.2, s.3, s.4, toUInt64(0), e.6${nothing})),
      alone, arrayMap(e -> arrayFirst(s -> s.2 <= e.2 AND e.2 <= s.3 + ${gapMs}, spans), alone), arrayEnumerate(alone))`;
  const picked = names.map((name, i) => `max(s.${i + 7}) AS ${name}`);
  return `SELECT person, s.1 AS device, bot, s.2 AS start, max(s.3) AS last, s.5 AS nth, any(s.4) AS id, ${['groupArrayArray(s.6) AS tags', ...picked].join(', ')}
  FROM (SELECT person, bot, whole, ${placed} AS fallen FROM (${blocks})) ARRAY JOIN arrayConcat(whole, fallen) AS s
  GROUP BY person, device, bot, start, nth`;
}

function personSql({ identity, naming = BY_KEY }: SessionQuery): string {
  return identity === undefined ? `''` : naming.person;
}

function joinSql({ identity, naming = BY_KEY }: SessionQuery): string {
  return identity === undefined ? '' : naming.join(identity);
}
