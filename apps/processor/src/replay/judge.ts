import type { StoredEvent } from '@tidemark/event';
import { applyPatch, factsOfReplay, stopByValve, type Admission, type FieldFault, type PatchStep, type RequestFacts } from '@tidemark/pipeline';
import type { QuarantinedItem } from './items.ts';

/** By what the project lets events in now. */
export interface ProjectRules {
  settings: RequestFacts['settings'];
  /** `source`: the one that it is for; null = all. */
  valves: readonly (NonNullable<RequestFacts['valves']>[number] & { source: string | null })[];
}

export type Judgement = { event: StoredEvent } | { faults: readonly [FieldFault, ...FieldFault[]] };

interface Judging {
  admit: (value: unknown, facts: RequestFacts) => Admission;
  rules: ProjectRules;
  patch: readonly PatchStep[];
  nowMs: number;
}

/** What the door says of a quarantined item now, mended by `patch`: what it would have said had the event come like this. */
export function judgeAgain(item: QuarantinedItem, { admit, rules, patch, nowMs }: Judging): Judgement {
  if (item.text === undefined) return failed(item.bytes > MAX_EVENT_BYTES ? TOO_LARGE : NOT_UTF8);
  let value: unknown;
  try {
    value = JSON.parse(item.text);
  } catch (error) {
    return failed({ field: '', code: 'invalid_json', detail: `The bytes are not JSON: ${(error as Error).message}.` });
  }
  const mended = applyPatch(value, patch);
  const valves = rules.valves.filter(({ source }) => source === null || source === item.source);
  const facts = factsOfReplay(item, { settings: rules.settings, valves }, nowMs);
  const admission = stopByValve(mended, facts, () => Buffer.from(item.text ?? '')) ?? admit(mended, facts);
  switch (admission.kind) {
    case 'store':
      return { event: admission.event };
    case 'quarantine':
      return { faults: admission.faults };
    case 'reject':
      return failed(admission.fault);
    case 'filter':
      return failed({ field: 'context.userAgent', code: admission.reason, detail: 'The project drops such events; it stays in quarantine.' });
  }
}

/** More than twice that, and it is no event however it is written. */
const MAX_EVENT_BYTES = 1 << 17;
const TOO_LARGE: FieldFault = { field: '', code: 'event_too_large', detail: 'It takes more than an event may; only a body that was kept whole does.' };
const NOT_UTF8: FieldFault = { field: '', code: 'invalid_unicode', detail: 'Its bytes are not UTF-8: convert them and send the event anew.' };

function failed(fault: FieldFault): Judgement {
  return { faults: [fault] };
}
