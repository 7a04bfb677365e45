/** Valves: events that an operator stops at the door, whether they are well formed or not (protocol V1 to V6). */
import { hash } from 'node:crypto';
import type { ValveRule } from '@tidemark/control';
import { DEFAULT_NAMES, shapeOf } from '@tidemark/event';
import type { Admission, FieldFault, RequestFacts } from './admission.ts';

type Fields = Record<string, unknown>;

/**
 * What a valve makes of an event, or undefined when it may go on. To be asked before the event is decoded, and only while
 * there are valves (`facts.valves`). `original` gives the event's own bytes; asked only for events without an id.
 */
export function stopByValve(value: unknown, facts: RequestFacts, original: () => Buffer): Admission | undefined {
  if (facts.valves === undefined || !isObject(value)) return undefined;
  const appVersion = appVersionOf(value);
  const eventName = eventNameOf(value);
  let share: number | undefined;
  for (const valve of facts.valves) {
    if (valve.appVersion !== undefined && valve.appVersion !== appVersion) continue;
    if (valve.eventName !== undefined && valve.eventName !== eventName) continue;
    // By receivedAt, not by the clock: all events of a request are before or behind the line.
    if (valve.expiresAtMs !== undefined && facts.receivedAtMs >= valve.expiresAtMs) continue;
    if (valve.ratio < 1 && (share ??= shareOf(value, facts.project, original)) >= valve.ratio) continue;
    // What is too large is not kept (E11), by a valve as little as otherwise.
    return shapeOf(value).tooLarge ? undefined : stop(value, valve, eventName);
  }
  return undefined;
}

function stop(value: Fields, valve: ValveRule, eventName: string): Admission {
  const eventId = cut(idOf(value));
  const quarantine = valve.action === 'quarantine';
  const what = [
    ...(valve.appVersion === undefined ? [] : [`of app version ${valve.appVersion}`]),
    ...(valve.eventName === undefined ? [] : [`named ${valve.eventName}`]),
  ].join(' ');
  const fault: FieldFault = {
    field: valve.appVersion !== undefined ? 'context.appVersion' : valve.eventName !== undefined ? 'eventName' : '',
    code: 'valve',
    detail: `Events ${what || 'of this source'} are stopped at present (valve ${valve.id}); this one is ${quarantine ? 'kept in quarantine' : 'not kept'}: do not send it again.`,
  };
  return quarantine
    ? { kind: 'quarantine', eventId, eventName: cut(eventName), faults: [fault], valve: valve.id }
    : { kind: 'reject', eventId, fault, valve: valve.id };
}

/** From 0 to below 1, evenly, and the same for all copies of an event: of one without an id, for copies byte by byte. */
function shareOf(value: Fields, project: string, original: () => Buffer): number {
  const id = idOf(value);
  const digest = hash('md5', id === '' ? original() : `${project}\0${id}`, 'hex');
  return Number.parseInt(digest.slice(0, 8), 16) / 2 ** 32;
}

/** As enrichment reads it, where Segment's clients put it too. */
function appVersionOf({ context }: Fields): string {
  if (!isObject(context)) return '';
  return textOf(context['appVersion']) || textOf(isObject(context['app']) ? context['app']['version'] : undefined);
}

/** As it would be stored: calls without a name have that of their type (E6). */
function eventNameOf(value: Fields): string {
  const name = textOf(value['eventName']) || textOf(value['event']);
  if (name.trim() !== '') return name;
  const type = textOf(value['type']);
  return Object.hasOwn(DEFAULT_NAMES, type) ? DEFAULT_NAMES[type as keyof typeof DEFAULT_NAMES] : '';
}

function idOf(value: Fields): string {
  return textOf(value['eventId']) || textOf(value['messageId']);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function cut(text: string): string {
  return text.slice(0, 200).toWellFormed();
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
