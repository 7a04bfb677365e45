/**
 * The first rows of a timeline without bounds, and some beyond them, which tell whose they are and which sessions those that
 * are shown belong to. One statement: of the 5 ms of CPU that it takes, planning is more than half, whatever it reads.
 */
import { literal, type RowBinary, type Warehouse } from '@tidemark/warehouse';
import { KEYS_SELECT, PACKED_SELECT, packedOffset, readPackedRest, RowKeys, skipPackedRest, type PlacedRow } from './output.ts';
import { EARLIEST_MS } from '../time/range.ts';
import type { Person } from '../identity/resolve.ts';
import { DEFAULT_GAP_MS } from '../sessions/session-window.ts';
import { sessionsAmong } from '../sessions/sessions-of-person.ts';

/** All rows are read where there are at most so many beyond the page, 1.5 us each: of ids that are not known to have many hardly any has more. */
export const ROWS_BEYOND = 1_450;
/** Where those do not tell, so many keys are read without their texts: 2,200 take 2.5 to 3 ms (chDB 26.7, 2 cores, 2026-11-23). */
const MAX_FURTHER = 10_000;
/** Where so many rows are known at most there will hardly be more than `MAX_FURTHER`, so that all keys are asked for: without an order, which takes 0.4 ms off. */
const MAX_UNORDERED = 8_000;
/** Rows beyond the page where there are more and keys are read beside it: it is told that there are more, and the page is not without those of one time. */
const BESIDE_KEYS = 30;

type Order = 'asc' | 'desc';

/** What is read of a row. */
interface RowForm {
  columns: string;
  /** Goes on behind the columns that are not keys. */
  skipRest: (row: RowBinary) => void;
  /** Orders rows that nothing else does; absent: it is not read. */
  offsetOf?: (keys: RowKeys) => number;
}
const WHOLE_ROWS: RowForm = { columns: PACKED_SELECT, skipRest: skipPackedRest, offsetOf: packedOffset };
const KEYS_ALONE: RowForm = { columns: KEYS_SELECT, skipRest: () => {} };

export interface FirstSpan {
  order: Order;
  limit: number;
  /** Rows beyond those up to which all are read. */
  beyond: number;
  /** About how many there are, where they are known to be many; else 0. Of many not all rows are read, and of the latest the keys further on beside the page. */
  knownRows: number;
}

/** What tells whose the first rows are, and their sessions. */
export interface FirstKeys {
  /** In order, without a hole. */
  read: readonly RowKeys[];
  /** There are no others. */
  isWhole: boolean;
}

export interface FirstRows extends FirstKeys {
  order: Order;
  /** In order, at most `limit`. `person` is ''. */
  rows: readonly PlacedRow[];
  more: boolean;
  /** As many more keys as are read in one statement, from the first row on; read once. */
  further(): Promise<FirstKeys>;
  /** Gives back the memory of what `further` has read. */
  freeFurther(): Promise<void>;
}

/** `condition`: on the table `timeline`, beside the one on the project. Throws WarehouseError. */
export async function readFirstRows(condition: string, { order, limit, beyond, knownRows }: FirstSpan, project: string, warehouse: Warehouse): Promise<FirstRows> {
  const from = { condition, order, project, warehouse };
  let further: Promise<AnsweredKeys> | undefined;
  const readFurther = (): Promise<AnsweredKeys> => (further ??= readKeysFurther(knownRows, from));
  const found = (knownRows > 0 ? undefined : await readAll(WHOLE_ROWS, limit + beyond, from)) ?? (await readSome());
  const { read, isWhole } = found;
  return {
    order, read, isWhole,
    rows: read.slice(0, limit).map((keys) => readPackedRest(keys)),
    more: read.length > limit || !isWhole,
    further: readFurther,
    freeFurther: async () => (await further?.catch(() => undefined))?.answer.free(),
  };

  async function readSome(): Promise<FirstKeys> {
    const count = limit + Math.min(beyond, BESIDE_KEYS);
    // Before the page, so that they mostly come first and are read while it is waited for. Sessions of the first events need none. Of an error here whoever waits for it is told.
    if (order === 'desc') readFurther().catch(() => {});
    const some = readByTime(await askByTime(WHOLE_ROWS, count + 1, from), count, order, WHOLE_ROWS);
    // So many share one time that some of the page may be missing.
    return !some.isWhole && some.read.length < limit ? readInOrder(await askInOrder(count + 1, from), count) : some;
  }
}

/** Keys, and the memory that they lie in. */
interface AnsweredKeys extends FirstKeys {
  answer: RowBinary;
}

/** The first `MAX_FURTHER` keys. `knownRows`: as above. */
async function readKeysFurther(knownRows: number, from: From): Promise<AnsweredKeys> {
  const all = knownRows > 0 && knownRows <= MAX_UNORDERED ? await readAll(KEYS_ALONE, MAX_FURTHER, from) : undefined;
  if (all !== undefined) return all;
  const answer = await askByTime(KEYS_ALONE, MAX_FURTHER + 1, from);
  return { ...readByTime(answer, MAX_FURTHER, from.order, KEYS_ALONE), answer };
}

/** All rows, put in order here: that the engine does not plan for it takes 0.3 ms off 3.4. undefined when there are more than `most`. */
async function readAll(form: RowForm, most: number, from: From): Promise<AnsweredKeys | undefined> {
  const answer = await ask(form.columns, undefined, most + 1, from);
  const read = readKeys(answer, form);
  if (read.length > most) {
    answer.free();
    return undefined;
  }
  const sign = from.order === 'asc' ? 1 : -1;
  read.sort((a, b) => sign * (a.time_ms - b.time_ms));
  sortWithinTimes(read, from.order, form);
  return { read, isWhole: true, answer };
}

/** Rows of the timeline in its order. `condition`: as above. Throws WarehouseError. */
export async function readPlaced(condition: string, { order, limit }: { order: Order; limit: number }, project: string, warehouse: Warehouse): Promise<PlacedRow[]> {
  const read = readKeys(await askInOrder(limit, { condition, order, project, warehouse }), WHOLE_ROWS);
  return read.map((keys) => readPackedRest(keys));
}

interface From {
  condition: string;
  order: Order;
  project: string;
  warehouse: Warehouse;
}

/** The first `limit` whole rows. To be told whether there are more, one more is asked for. */
function askInOrder(limit: number, from: From): Promise<RowBinary> {
  const way = wayOf(from);
  return ask(PACKED_SELECT, `time ${way}, sequence ${way}, event_id ${way}, offset ${way}`, limit, from);
}

/** The same, of which those of one time come in any order: nothing is sorted then, for it is how they lie. 5.1 ms became 3.8 for 500 rows. */
function askByTime({ columns }: RowForm, limit: number, from: From): Promise<RowBinary> {
  return ask(columns, `time ${wayOf(from)}`, limit, from);
}

function ask(columns: string, order: string | undefined, limit: number, { condition, project, warehouse }: From): Promise<RowBinary> {
  return warehouse.binary(`SELECT ${columns} FROM timeline PREWHERE project = ${literal(project)} AND (${condition})
${order === undefined ? '' : `ORDER BY ${order} `}LIMIT ${limit}`, 'point');
}

function wayOf({ order }: From): string {
  return order === 'asc' ? 'ASC' : 'DESC';
}

/** `count`: rows of which there was to be one more. */
function readInOrder(answer: RowBinary, count: number): FirstKeys {
  const read = readKeys(answer, WHOLE_ROWS);
  const isWhole = read.length <= count;
  return { read: isWhole ? read : read.slice(0, count), isWhole };
}

/** The same, with the rows of one time put in order. */
function readByTime(answer: RowBinary, count: number, order: Order, form: RowForm): FirstKeys {
  const read = readKeys(answer, form);
  const isWhole = read.length <= count;
  // Others of the time of the last may not be among them.
  if (!isWhole) for (const { time_ms } = read.at(-1)!; read.at(-1)?.time_ms === time_ms; ) read.pop();
  sortWithinTimes(read, order, form);
  return { read, isWhole };
}

function readKeys(answer: RowBinary, { skipRest }: RowForm): RowKeys[] {
  const read: RowKeys[] = [];
  let before: RowKeys | undefined;
  while (!answer.isAtEnd) {
    read.push((before = new RowKeys(answer, before)));
    skipRest(answer);
  }
  return read;
}

/** Puts rows of the same time in the order of L1; most have a time of their own. */
function sortWithinTimes(read: RowKeys[], order: Order, { offsetOf }: RowForm): void {
  const sign = order === 'asc' ? 1 : -1;
  const compare = (a: RowKeys, b: RowKeys): number =>
    sign * (a.sequence - b.sequence || Buffer.compare(a.event_id_bytes, b.event_id_bytes) || (offsetOf === undefined ? 0 : offsetOf(a) - offsetOf(b)));
  for (let from = 0, to = 1; from < read.length; from = to++) {
    while (to < read.length && read[to]!.time_ms === read[from]!.time_ms) to++;
    if (to - from > 1) read.splice(from, to - from, ...read.slice(from, to).sort(compare));
  }
}

/** Whether all of the rows that lie under an id, and none but these, can be the person's. */
export function areOf({ read }: FirstRows, id: string, { users, devices, usedDevices }: Person): boolean {
  if (usedDevices === 'many' || [...users, ...devices, ...usedDevices.map((used) => used.id)].some((each) => each !== id)) return false;
  const ownsDevice = devices.length > 0 || usedDevices.some(({ isOwned }) => isOwned);
  return read.every(({ user_id }) => (user_id === '' ? ownsDevice : users.includes(user_id)));
}

/** The rows with their sessions; undefined when these can't be told from what was read. All rows must be one person's. */
export function withSessionsOf(rows: readonly PlacedRow[], { read, isWhole }: FirstKeys, order: Order): PlacedRow[] | undefined {
  const [first, last, end] = [rows[0]?.time_ms, rows.at(-1)?.time_ms, read.at(-1)?.time_ms];
  if (first === undefined || last === undefined) return [];
  // More events of the time of the last read row may not have been read.
  if (end === undefined || (!isWhole && last === end)) return undefined;
  const sinceMs = isWhole || order === 'asc' ? EARLIEST_MS : end + 1;
  const untilMs = Math.max(first, last);
  if (isOneStream(read)) return withSessionsOfStream(rows, order === 'asc' ? read : read.toReversed(), sinceMs, untilMs);
  const events = read.map((row) => ({ device: row.anonymous_id, bot: row.bot, at: row.time_ms, id: row.event_id })).filter(({ at }) => at >= sinceMs && at <= untilMs);
  return sessionsAmong(rows, order === 'asc' ? events : events.toReversed(), sinceMs);
}

/** The same from what lies further on under the same condition, as far as one more statement reads. Throws WarehouseError. */
export async function withSessionsFurther({ rows, further, order }: FirstRows, { users, devices, usedDevices }: Person): Promise<PlacedRow[] | undefined> {
  // It would have to be asked of the table whose they are.
  if (usedDevices === 'many') return undefined;
  const { read, isWhole } = await further();
  const [theirs, owned] = [new Set(users), new Set([...devices, ...usedDevices.filter(({ isOwned }) => isOwned).map(({ id }) => id)])];
  const own = read.filter(({ user_id, anonymous_id }) => (user_id === '' ? owned.has(anonymous_id) : theirs.has(user_id)));
  // The keys may have been read before the last event of the page came, or after one was deleted.
  const [fromMs, toMs] = [rows[0]?.time_ms ?? 0, rows.at(-1)?.time_ms ?? 0].sort((a, b) => a - b) as [number, number];
  const known = new Set(own.filter(({ time_ms }) => time_ms >= fromMs && time_ms <= toMs).map(({ time_ms, event_id }) => `${time_ms} ${event_id}`));
  if (!rows.every(({ time_ms, event_id }) => known.has(`${time_ms} ${event_id}`))) return undefined;
  return withSessionsOf(rows, { read: own, isWhole }, order);
}

/** All of one device, and none or all by a bot: of most people. */
function isOneStream(read: readonly RowKeys[]): boolean {
  const { anonymous_id, bot } = read[0]!;
  return anonymous_id !== '' && read.every((row) => row.anonymous_id === anonymous_id && row.bot === bot);
}

/** As `sessionsAmong`, where sessions follow one another: nothing is made of the single events. `read`: in the order of time. */
function withSessionsOfStream(rows: readonly PlacedRow[], read: readonly RowKeys[], sinceMs: number, untilMs: number): PlacedRow[] | undefined {
  const sessions: { id: string; startMs: number }[] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const event of read) {
    const { time_ms } = event;
    if (time_ms < sinceMs || time_ms > untilMs) continue;
    if (time_ms - lastMs > DEFAULT_GAP_MS) sessions.push({ id: event.event_id, startMs: time_ms });
    lastMs = time_ms;
  }
  const told = rows.map((row) => {
    const { id, startMs } = sessions.findLast((session) => session.startMs <= row.time_ms)!;
    return { ...row, session_first_id: id, session_start_ms: startMs };
  });
  // What starts within a gap of where the reading began may go on before it.
  if (sinceMs > EARLIEST_MS && told.some(({ session_start_ms }) => session_start_ms - DEFAULT_GAP_MS < sinceMs)) return undefined;
  return told;
}
