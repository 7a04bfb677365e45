/** How a row becomes an event: `--map userId=user_id,properties.price=price:number`, `--set eventName=hit`. */
import { CommandProblem } from '../command.ts';
import type { Row } from './rows.ts';

export type Event = Record<string, unknown>;

/** A row that can't become the event that was asked for. */
export class RowFault extends Error {}

const TYPES = ['text', 'number', 'boolean', 'json'] as const;
type ValueType = (typeof TYPES)[number];

interface Rule {
  target: string[];
  column: string;
  /** Undefined takes the value as it is: a text of CSV, anything of JSON. */
  type: ValueType | undefined;
}

export interface Mapping {
  rules: readonly Rule[];
  constants: readonly { target: string[]; value: string }[];
  /** Columns that no rule names become properties under their own name. */
  rest: boolean;
}

const FIELDS = [
  'eventId',
  'eventName',
  'userId',
  'anonymousId',
  'sessionId',
  'timestamp',
  'sequence',
  'type',
  'schemaVersion',
  'groupId',
  'previousId',
];
const OBJECTS = ['properties', 'context', 'traits'];
/** Written by the server into its exports (design of the event, output shape); it writes them anew. */
const SERVER_FIELDS = ['receivedAt', 'originalTimestamp', 'personId', 'source', 'bot', 'session'];

/** @throws CommandProblem naming the part that can't be read */
export function parseMapping(maps: readonly string[], sets: readonly string[], rest: boolean): Mapping {
  const pairs = (texts: readonly string[], flag: string): [string, string][] =>
    texts.flatMap((text) => text.split(',').map((part) => splitPair(part.trim(), flag)));
  return {
    rules: pairs(maps, '--map').map(([target, source]) => {
      const [, column = source, type] = /^(.+):(text|number|boolean|json)$/.exec(source) ?? [];
      return { target: targetOf(target, type === 'json'), column, type: type as ValueType | undefined };
    }),
    constants: pairs(sets, '--set').map(([target, value]) => ({ target: targetOf(target, false), value })),
    rest,
  };
}

function splitPair(part: string, flag: string): [string, string] {
  const at = part.indexOf('=');
  if (at > 0 && at < part.length - 1) return [part.slice(0, at).trim(), part.slice(at + 1).trim()];
  throw new CommandProblem(
    `'${part}' in ${flag} is not a pair.`,
    `write it like ${flag} userId=user_id,properties.price=price:number.`,
  );
}

function targetOf(text: string, json: boolean): string[] {
  const path = text.split('.');
  const [head = ''] = path;
  const whole =
    OBJECTS.includes(head) && (path.length > 1 || json) && path.every((part) => part !== '' && part !== '__proto__');
  if (whole || (FIELDS.includes(head) && path.length === 1)) return path;
  throw new CommandProblem(
    `An event has no field '${text}'.`,
    `use ${FIELDS.join(', ')}, or a property such as properties.price, context.locale or traits.plan.`,
  );
}

/** @throws RowFault when a value hasn't the type that the mapping gives it */
export function toEvent(row: Row, mapping: Mapping): Event {
  const event = mapping.rules.length === 0 ? ownShape(row) : mapped(row, mapping);
  for (const { target, value } of mapping.constants) put(event, target, value);
  if (typeof event['timestamp'] === 'string') event['timestamp'] = withZone(event['timestamp']);
  // The skew of a clock is told by a request under way now, not by the one that brought the event long ago.
  delete event['sentAt'];
  return event;
}

/** A row in our own shape, from an export of ours for one; CSV holds its objects as JSON. */
function ownShape(row: Row): Event {
  const event: Event = {};
  for (const [name, value] of Object.entries(row)) {
    if (SERVER_FIELDS.includes(name) || value === '') continue;
    if (typeof value === 'string' && OBJECTS.includes(name)) event[name] = convert(value, 'json', name);
    else if (typeof value === 'string' && name === 'sequence') event[name] = convert(value, 'number', name);
    else event[name] = value;
  }
  return event;
}

function mapped(row: Row, { rules, rest }: Mapping): Event {
  const event: Event = {};
  for (const { target, column, type } of rules) {
    const value = look(row, column);
    if (value === undefined || value === null || value === '') continue;
    put(event, target, type === undefined ? value : convert(value, type, column));
  }
  if (!rest) return event;
  const named = new Set(rules.map(({ column }) => column.split('.')[0]));
  for (const [name, value] of Object.entries(row)) {
    if (!named.has(name) && value !== '') put(event, ['properties', name], value);
  }
  return event;
}

/** A column by its name; else by a path of keys, also through texts that hold JSON. */
function look(row: Row, column: string): unknown {
  if (Object.hasOwn(row, column)) return row[column];
  let value: unknown = row;
  for (const key of column.split('.')) {
    const object: unknown = typeof value === 'string' ? parseOrUndefined(value) : value;
    if (typeof object !== 'object' || object === null || !Object.hasOwn(object, key)) return undefined;
    value = (object as Row)[key];
  }
  return value;
}

function put(event: Event, target: readonly string[], value: unknown): void {
  let object = event;
  for (const key of target.slice(0, -1)) {
    if (typeof object[key] !== 'object' || object[key] === null) object[key] = {};
    object = object[key] as Event;
  }
  object[target.at(-1)!] = value;
}

function convert(value: unknown, type: ValueType, column: string): unknown {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  switch (type) {
    case 'text':
      return text;
    case 'number': {
      const number = Number(text);
      if (text.trim() !== '' && Number.isFinite(number)) return number;
      break;
    }
    case 'boolean':
      if (/^(true|1|yes)$/i.test(text)) return true;
      if (/^(false|0|no)$/i.test(text)) return false;
      break;
    case 'json': {
      const parsed = typeof value === 'string' ? parseOrUndefined(value) : value;
      if (parsed !== undefined) return parsed;
      break;
    }
  }
  throw new RowFault(`'${text.slice(0, 40)}' in column ${column} is not ${type === 'json' ? 'JSON' : `a ${type}`}.`);
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const WITHOUT_ZONE = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2})(:\d{2}(?:[.,]\d+)?)?)?$/;

/** Databases write times without a zone; they are taken for UTC. Anything else is left for the server to judge. */
function withZone(text: string): string {
  const match = WITHOUT_ZONE.exec(text);
  if (!match) return text;
  const [, date, clock = '00:00', seconds = ':00'] = match;
  return `${date}T${clock}${seconds.replace(',', '.')}Z`;
}
