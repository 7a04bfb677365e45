/** How jobs are shown. Words of errors, and what is held back of other projects, only an admin token is told. */
import { Type } from 'typebox';
import type { Static } from 'typebox';
import type { JobView } from '../deps.ts';
import { Count, Time } from '../schemas.ts';
import { toRfc3339 } from '../times.ts';

const orNull = (type: 'string' | 'number' | 'integer', description: string) => ({ type: [type, 'null'], description });
const TimeOrNull = (description: string) => Type.Unsafe<string | null>({ ...orNull('string', description), format: 'date-time' });
const TextOrNull = (description: string) => Type.Unsafe<string | null>(orNull('string', description));

const HeldBack = Type.Object({
  project: TextOrNull('Whose rows; null = not of one project.'),
  setting: Type.String({ description: 'What led to it, such as retentionDays=30.' }),
  rows: Type.Integer({ minimum: 0, description: 'How many rows would be deleted.' }),
  ofRows: Type.Integer({ minimum: 0, description: 'How many there are.' }),
});

export const JobShape = Type.Object({
  name: Type.String(),
  everyMs: Count,
  running: Type.Boolean({ description: 'It waits for its turn in this engine, or is at work.' }),
  lastRun: TimeOrNull('End of the last round; null before the first.'),
  lastDurationMs: Type.Unsafe<number | null>(orNull('number', 'Of the last round.')),
  lastRows: Type.Unsafe<number | null>(orNull('integer', 'Rows that the last round read, wrote or deleted, whichever its work is counted in.')),
  lastResult: TextOrNull('What the last round did; null when there was nothing to do.'),
  lastError: TextOrNull('Why the last round failed or held something back; null when it did not. Only an admin token is told the words.'),
  lastErrorCode: TextOrNull('Stable: implausible_effect, clock_doubted, lease_lost; null where an error has none.'),
  nextRun: TimeOrNull('When this engine begins the next round.'),
  lease: Type.Unsafe<{ holder: string; until: string } | null>({
    type: ['object', 'null'],
    required: ['holder', 'until'],
    properties: { holder: { type: 'string' }, until: Time },
    description: 'The engine that runs it just now; until then no other one does.',
  }),
  heldBack: Type.Array(HeldBack, { description: 'Deletions too large to be believed: POST …/run {"confirm": true} lets them be made.' }),
});

export function toJob(job: JobView, { project, admin }: { project: string; admin: boolean }): Static<typeof JobShape> {
  const shown = job.heldBack.filter((deletion) => admin || deletion.project === '' || deletion.project === project);
  return {
    ...toLastRound(job, admin),
    running: job.running,
    lastRows: job.lastRows ?? null,
    lastErrorCode: job.lastErrorCode ?? null,
    nextRun: timeOrNull(job.nextRunMs),
    lease: job.lease === undefined ? null : { holder: job.lease.holder, until: toRfc3339(job.lease.untilMs) },
    heldBack: shown.map((deletion) => ({ ...deletion, project: deletion.project === '' ? null : deletion.project })),
  };
}

/** What `GET /api/pipeline` shows of a job. An error may quote what another project's events hold. */
export function toLastRound({ name, everyMs, lastRunMs, lastDurationMs, lastResult, lastError }: JobView, admin: boolean) {
  return {
    name,
    everyMs,
    lastRun: timeOrNull(lastRunMs),
    lastDurationMs: lastDurationMs ?? null,
    lastResult: lastResult ?? null,
    lastError: lastError === undefined || admin ? (lastError ?? null) : 'It failed; ask with an admin token for the reason.',
  };
}

function timeOrNull(epochMs: number | undefined): string | null {
  return epochMs === undefined ? null : toRfc3339(epochMs);
}
