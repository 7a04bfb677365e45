import type { DoorSettings, ValveRule } from '@tidemark/control';
import { plainAddress, truncateAddress } from '../enrich/address.ts';
import type { RequestFacts } from '../admission.ts';
import type { CountryOf } from '../enrich/geo.ts';
import { MAX_USER_AGENT_LENGTH } from '../enrich/user-agent.ts';

/**
 * What a request said besides an event, kept with one that is quarantined so that a replay judges it as if it had been
 * well formed when it came. Of the address there is no more than the project keeps (N1). Absent = none.
 */
export interface KeptRequest {
  /** sentAt of the batch. */
  sentAt?: string | number;
  ip?: string;
  /** Of the address, looked up before it was dropped (N2). */
  country?: string;
  /** Of a browser (N3). */
  userAgent?: string;
  /** The clock, epoch ms, where receivedAt waited for it (T7). */
  clockMs?: number;
  imported?: true;
}

/** Longer texts are no times. */
const MAX_SENT_AT_LENGTH = 100;

/** Undefined when there is nothing to keep. */
export function keptRequest(facts: RequestFacts, countryOf: CountryOf): KeptRequest | undefined {
  const { sentAt, settings, clockMs, imported } = facts;
  const isTime = typeof sentAt === 'number' || (typeof sentAt === 'string' && sentAt !== '' && sentAt.length <= MAX_SENT_AT_LENGTH);
  const address = plainAddress(facts.ip ?? '');
  const ip = settings.ip === 'drop' ? '' : settings.ip === 'truncate' ? truncateAddress(address) : address;
  const country = facts.ip ? countryOf(facts.ip) : '';
  const userAgent = facts.fromBrowser ? (facts.userAgent ?? '').slice(0, MAX_USER_AGENT_LENGTH) : '';
  const kept: KeptRequest = {
    ...(isTime ? { sentAt } : {}),
    ...(ip === '' ? {} : { ip }),
    ...(country === '' ? {} : { country }),
    ...(userAgent === '' ? {} : { userAgent: userAgent.toWellFormed() }),
    ...(clockMs === undefined ? {} : { clockMs }),
    ...(imported === true ? { imported } : {}),
  };
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** The facts by which an item is judged again: those of its own request, under the rules of now (protocol R2). */
export function factsOfReplay(
  item: { project: string; source: string; receivedAtMs: number; request: KeptRequest },
  rules: { settings: DoorSettings; valves: readonly ValveRule[] },
  nowMs: number,
): RequestFacts {
  const { project, source, receivedAtMs, request } = item;
  const valves = rules.valves.length === 0 ? undefined : rules.valves;
  return {
    project,
    source,
    settings: rules.settings,
    valves,
    receivedAtMs: nowMs,
    clockMs: request.clockMs ?? receivedAtMs,
    sentAt: request.sentAt,
    ip: request.ip,
    userAgent: request.userAgent,
    fromBrowser: request.userAgent !== undefined,
    imported: request.imported === true,
    replayed: { country: request.country ?? '' },
  };
}
