/**
 * Bodies of plain events (plain-json.ts): of each event the texts of its JSON objects, and an excerpt of what the door
 * reads. Nothing is built that would only be written again. Whatever is not plain is left to JSON.parse.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import type { EventJson, JsonObject, JsonValue, Verbatim } from '../event.ts';
import { KnownTexts } from './known-texts.ts';
import { LIMITS } from '../limits.ts';
import { PlainScanner } from './plain-json.ts';
import { CONTEXT, EVENT, LIBRARY, PAGE, PROPERTIES, SLOTS, WANTED } from './plain-slots.ts';
import { memoryOf } from '../row/row-bytes.ts';
import type { Memory } from '../row/row-bytes.ts';

/** An event that need not be parsed to be admitted. */
export interface PlainEvent extends EventJson {
  /** What decoding and enrichment read, as JSON.parse gives it. Of other members, and in `traits`, nothing is there. */
  excerpt: Record<string, unknown>;
  /** JSON texts as JSON.stringify writes them; `{}` for none. */
  texts: { properties: string; context: string; traits: string };
  verbatim: Verbatim;
  wideNumbers: false;
}

/** A body of JSON, as places in its bytes. */
export interface PlainBody {
  /** As JSON.parse gives them; undefined when they are not there. */
  sentAt: unknown;
  writeKey: unknown;
  events: {
    /** Its bytes in the body. */
    start: number;
    end: number;
    /** Undefined when it has to be parsed nevertheless: it may break a limit, or its traits are put together of several places. */
    plain: PlainEvent | undefined;
  }[];
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const LOWER_N = 0x6e;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Shared by all calls: none of them waits for anything. */
const scanner = new PlainScanner(SLOTS, WANTED);
let bytes: Buffer;
let memory: Memory;
/** The names and addresses that come with many events. */
const known = new KnownTexts(ownValue);
/** The bytes as text, when all of them are ASCII and offsets therefore the same; pieces of it cost next to nothing. */
let ascii: string | undefined;

/** Reads a body that is one event. Undefined when it is not plain: JSON.parse then says what it is. */
export function readPlainEvent(body: Buffer): PlainBody | undefined {
  if (!begin(body)) return undefined;
  const end = scanner.object(0);
  if (end !== body.length) return undefined;
  const at = scanner.from[EVENT.writeKey]!;
  const writeKey = at === 0 ? undefined : ownValue(at, scanner.to[EVENT.writeKey]!);
  return { sentAt: undefined, writeKey, events: [{ start: 0, end, plain: plainEvent(0, end) }] };
}

/** Reads a body `{"sentAt":…,"writeKey":…,"events":[…]}`, its members in any order. Undefined as above. */
export function readPlainBatch(body: Buffer): PlainBody | undefined {
  if (!begin(body)) return undefined;
  const batch: Partial<PlainBody> & Record<string, unknown> = {};
  let at = 0;
  do {
    const key = at + 1;
    if (body[key] !== QUOTE) return undefined;
    at = scanner.string(key);
    if (at === -1 || body[at] !== COLON) return undefined;
    const name = slice(key + 1, at - 1);
    const start = at + 1;
    if (Object.hasOwn(batch, name)) return undefined;
    if (name === 'events') {
      batch.events = [];
      at = readEvents(start, batch.events);
    } else if (name === 'sentAt' || name === 'writeKey') {
      at = scanner.value(start, 1);
      if (at !== -1) batch[name] = ownValue(start, at);
    } else {
      return undefined;
    }
    if (at === -1) return undefined;
  } while (body[at] === COMMA);
  if (body[at] !== CLOSE_OBJECT || at + 1 !== body.length || batch.events === undefined) return undefined;
  return { sentAt: batch.sentAt, writeKey: batch.writeKey, events: batch.events };
}

function readEvents(open: number, events: PlainBody['events']): number {
  if (bytes[open] !== OPEN_ARRAY) return -1;
  if (bytes[open + 1] === CLOSE_ARRAY) return open + 2;
  let at = open;
  do {
    const start = at + 1;
    if (bytes[start] !== OPEN_OBJECT) return -1;
    scanner.forget();
    const end = scanner.object(start);
    if (end === -1) return -1;
    events.push({ start, end, plain: plainEvent(start, end) });
    at = end;
  } while (bytes[at] === COMMA);
  return bytes[at] === CLOSE_ARRAY ? at + 1 : -1;
}

function begin(body: Buffer): boolean {
  if (body[0] !== OPEN_OBJECT || !isUtf8(body)) return false;
  bytes = body;
  memory = memoryOf(body);
  ascii = isAscii(body) ? body.toString('latin1') : undefined;
  scanner.begin(body);
  return true;
}

/** The event just scanned. */
function plainEvent(start: number, end: number): PlainEvent | undefined {
  if (end - start > LIMITS.maxEventBytes || scanner.keys > LIMITS.maxProperties) return undefined;
  const type = read(EVENT.type);
  // Their traits are put together of several places (E8).
  if (type === 'identify' || scanner.from[PROPERTIES.$set] !== 0) return undefined;
  const properties = objectText(EVENT.properties);
  const context = objectText(EVENT.context);
  const traits = objectText(EVENT.traits);
  if (properties === undefined || context === undefined || traits === undefined) return undefined;
  return {
    excerpt: {
      eventId: read(EVENT.eventId),
      messageId: read(EVENT.messageId),
      eventName: read(EVENT.eventName),
      event: read(EVENT.event),
      userId: read(EVENT.userId),
      anonymousId: read(EVENT.anonymousId),
      sessionId: read(EVENT.sessionId),
      timestamp: read(EVENT.timestamp),
      sentAt: read(EVENT.sentAt),
      sequence: read(EVENT.sequence),
      type,
      schemaVersion: read(EVENT.schemaVersion),
      groupId: read(EVENT.groupId),
      previousId: read(EVENT.previousId),
      properties: type === 'page' ? addressIn(PROPERTIES) : undefined,
      context: contextExcerpt(),
      traits: undefined,
    },
    texts: { properties, context, traits },
    verbatim: verbatim(),
    wideNumbers: false,
  };
}

function verbatim(): Verbatim {
  const { to } = scanner;
  const id = isGiven(EVENT.eventId) ? EVENT.eventId : EVENT.messageId;
  return {
    body: memory,
    eventId: textAt(id),
    eventIdEnd: to[id]! - 1,
    userId: textAt(EVENT.userId),
    userIdEnd: to[EVENT.userId]! - 1,
    anonymousId: textAt(EVENT.anonymousId),
    anonymousIdEnd: to[EVENT.anonymousId]! - 1,
    sessionId: textAt(EVENT.sessionId),
    sessionIdEnd: to[EVENT.sessionId]! - 1,
    properties: isObjectAt(EVENT.properties) ? scanner.from[EVENT.properties]! : 0,
    propertiesEnd: to[EVENT.properties]!,
    context: isObjectAt(EVENT.context) ? scanner.from[EVENT.context]! : 0,
    contextEnd: to[EVENT.context]!,
  };
}

/** Whether something stands there that is not none: `null` and `""` are (E4). */
function isGiven(slot: number): boolean {
  const start = scanner.from[slot]!;
  return start !== 0 && bytes[start] !== LOWER_N && !(bytes[start] === QUOTE && bytes[start + 1] === QUOTE);
}

/** Where the text begins that stands there and means what it says; else 0. */
function textAt(slot: number): number {
  const start = scanner.from[slot]!;
  if (start === 0 || bytes[start] !== QUOTE || bytes[start + 1] === QUOTE) return 0;
  return scanner.escapes && slice(start, scanner.to[slot]!).includes('\\') ? 0 : start + 1;
}

function contextExcerpt(): JsonObject {
  const context = {
    ip: read(CONTEXT.ip),
    direct: read(CONTEXT.direct),
    library: isObjectAt(CONTEXT.library) ? { name: read(LIBRARY.name) } : undefined,
    geo: read(CONTEXT.geo),
    userAgent: readKnown(CONTEXT.userAgent),
    os: read(CONTEXT.os),
    browser: read(CONTEXT.browser),
    device: read(CONTEXT.device),
    page: isObjectAt(CONTEXT.page) ? addressIn(PAGE) : undefined,
    campaign: read(CONTEXT.campaign),
    referrer: readKnown(CONTEXT.referrer),
    channel: read(CONTEXT.channel),
    appVersion: read(CONTEXT.appVersion),
    app: read(CONTEXT.app),
    locale: read(CONTEXT.locale),
    consent: read(CONTEXT.consent),
  };
  return context as JsonObject;
}

function addressIn(slots: typeof PAGE | typeof PROPERTIES): JsonObject {
  const address = {
    url: readKnown(slots.url),
    path: read(slots.path),
    search: readKnown(slots.search),
    referrer: readKnown(slots.referrer),
  };
  return address as JsonObject;
}

/** The JSON text of an object, `{}` for none; undefined when something else stands there. */
function objectText(slot: number): string | undefined {
  if (isObjectAt(slot)) return slice(scanner.from[slot]!, scanner.to[slot]!);
  return scanner.from[slot] === 0 || bytes[scanner.from[slot]!] === LOWER_N ? '{}' : undefined;
}

function isObjectAt(slot: number): boolean {
  // No value begins where the body does.
  return scanner.from[slot] !== 0 && bytes[scanner.from[slot]!] === OPEN_OBJECT;
}

function read(slot: number): JsonValue | undefined {
  const start = scanner.from[slot]!;
  return start === 0 ? undefined : valueOf(start, scanner.to[slot]!);
}

function readKnown(slot: number): JsonValue | undefined {
  const start = scanner.from[slot]!;
  if (start === 0) return undefined;
  // Objects belong to their event.
  return bytes[start] === QUOTE ? known.get(memory, start, scanner.to[slot]!) : valueOf(start, scanner.to[slot]!);
}

function valueOf(start: number, end: number): JsonValue {
  const first = bytes[start]!;
  // A number's first byte lies below those of all words, and its text is the one form that it has.
  if (first !== QUOTE) return first <= NINE ? Number(slice(start, end)) : (JSON.parse(slice(start, end)) as JsonValue);
  const text = slice(start + 1, end - 1);
  return scanner.escapes && text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

/** Of a text in memory of its own: a slice would keep all of the body as long as somebody keeps it. */
function ownValue(start: number, end: number): JsonValue {
  return JSON.parse(slice(start, end)) as JsonValue;
}

function slice(start: number, end: number): string {
  return ascii === undefined ? bytes.toString('utf8', start, end) : ascii.slice(start, end);
}
