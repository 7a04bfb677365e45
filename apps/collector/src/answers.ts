/** The answers of DESIGN section 5, made from what became of the events. */
import { INGEST_ERRORS } from '@tidemark/event';
import type { IngestErrorCode } from '@tidemark/event';
import type { Admission, FieldFault } from '@tidemark/pipeline';
import type { Answer } from './answer.ts';
import { problemOf } from './problem.ts';
import type { ProblemCode } from './problem.ts';
import { valueAt } from './value-at.ts';

/**
 * Always 202. accepted + filtered + rejected are all events of the batch; `filtered` is only told when there are any.
 * `valueOf` gives the events as they came; one without a readable id is told by its index, and its eventId is ''.
 */
export function batchAnswer(
  admissions: readonly Admission[],
  valueOf: (index: number) => unknown,
  receivedAtMs: number,
): Answer {
  const rejected: object[] = [];
  let filtered = 0;
  for (const [index, admission] of admissions.entries()) {
    if (admission.kind === 'filter') filtered++;
    if (admission.kind !== 'quarantine' && admission.kind !== 'reject') continue;
    const errors = faultsOf(admission, valueOf(index));
    const [{ code, detail }] = errors;
    const quarantined = admission.kind === 'quarantine';
    rejected.push({ index, eventId: admission.eventId, code, detail, quarantined, errors });
  }
  const accepted = admissions.length - rejected.length - filtered;
  const receivedAt = new Date(receivedAtMs).toISOString();
  const body = filtered === 0 ? { accepted, receivedAt, rejected } : { accepted, filtered, receivedAt, rejected };
  return { status: 202, body };
}

export function singleAnswer(admission: Admission, valueOf: () => unknown, receivedAtMs: number): Answer {
  const receivedAt = new Date(receivedAtMs).toISOString();
  if (admission.kind === 'store') {
    return { status: 202, body: { status: 'accepted', eventId: admission.event.eventId, receivedAt } };
  }
  const { eventId } = admission;
  if (admission.kind === 'filter') {
    return { status: 202, body: { status: 'filtered', reason: admission.reason, eventId, receivedAt } };
  }
  const errors = faultsOf(admission, valueOf()).map((fault) => ({ ...fault, rule: ruleOf(fault.code) }));
  const { code, detail, ...first } = errors[0]!;
  const quarantined = admission.kind === 'quarantine';
  return problemAnswer(code as ProblemCode, detail, { ...first, eventId, receivedAt, quarantined, errors });
}

/** A body that was kept as one quarantined item. */
export function unparsableAnswer(code: 'invalid_json' | 'invalid_batch', detail: string, receivedAtMs: number): Answer {
  return problemAnswer(code, detail, { receivedAt: new Date(receivedAtMs).toISOString(), quarantined: true });
}

function problemAnswer(code: ProblemCode, detail: string, extra: Record<string, unknown>): Answer {
  const body = problemOf({ code, detail, extra });
  return { status: body.status, body, contentType: 'application/problem+json' };
}

type ShownFault = FieldFault & { value: unknown };

function faultsOf(
  admission: Admission & { kind: 'quarantine' | 'reject' },
  value: unknown,
): [ShownFault, ...ShownFault[]] {
  const shown = ({ field, code, detail }: FieldFault) => ({ field, value: valueAt(value, field), code, detail });
  if (admission.kind === 'reject') return [shown(admission.fault)];
  const [first, ...others] = admission.faults;
  return [shown(first), ...others.map(shown)];
}

/** The rule that holds whatever the value was. */
function ruleOf(code: string): string | undefined {
  return Object.hasOwn(INGEST_ERRORS, code) ? INGEST_ERRORS[code as IngestErrorCode].summary : undefined;
}
