/** The answers of DESIGN section 5, made from what became of the events. */
import type { Admission, FieldFault } from '@tidemark/pipeline';
import type { Answer } from './answer.ts';
import { problemOf } from './problem.ts';
import type { ProblemCode } from './problem.ts';

/**
 * Always 202. accepted + filtered + rejected are all events of the batch; `filtered` is only told when there are any.
 * An event without a readable id is told by its index, and its eventId is null.
 */
export function batchAnswer(admissions: readonly Admission[], receivedAtMs: number): Answer {
  const rejected: object[] = [];
  let filtered = 0;
  for (const [index, admission] of admissions.entries()) {
    if (admission.kind === 'filter') filtered++;
    if (admission.kind !== 'quarantine' && admission.kind !== 'reject') continue;
    const errors = faultsOf(admission);
    const [{ code, detail }] = errors;
    rejected.push({ index, eventId: admission.eventId || null, code, detail, quarantined: admission.kind === 'quarantine', errors });
  }
  const accepted = admissions.length - rejected.length - filtered;
  const receivedAt = new Date(receivedAtMs).toISOString();
  return { status: 202, body: filtered === 0 ? { accepted, receivedAt, rejected } : { accepted, filtered, receivedAt, rejected } };
}

export function singleAnswer(admission: Admission, receivedAtMs: number): Answer {
  const receivedAt = new Date(receivedAtMs).toISOString();
  if (admission.kind === 'store') {
    return { status: 202, body: { status: 'accepted', eventId: admission.event.eventId, receivedAt } };
  }
  if (admission.kind === 'filter') {
    return { status: 202, body: { status: 'filtered', reason: admission.reason, eventId: admission.eventId, receivedAt } };
  }
  const errors = faultsOf(admission);
  const [{ code, detail }] = errors;
  const quarantined = admission.kind === 'quarantine';
  return problemAnswer(code as ProblemCode, detail, { eventId: admission.eventId || null, receivedAt, quarantined, errors });
}

/** A body that was kept as one quarantined item. */
export function unparsableAnswer(code: 'invalid_json' | 'invalid_batch', detail: string, receivedAtMs: number): Answer {
  return problemAnswer(code, detail, { receivedAt: new Date(receivedAtMs).toISOString(), quarantined: true });
}

function problemAnswer(code: ProblemCode, detail: string, extra: Record<string, unknown>): Answer {
  const body = problemOf({ code, detail, extra });
  return { status: body.status, body, contentType: 'application/problem+json' };
}

function faultsOf(admission: Admission & { kind: 'quarantine' | 'reject' }): readonly [FieldFault, ...FieldFault[]] {
  return admission.kind === 'quarantine' ? admission.faults : [admission.fault];
}
