import type { VisitsPlan } from '../store/visits.ts';
import { attribution } from './attribution.ts';
import { cohort } from './cohort.ts';
import { experiment } from './experiment.ts';
import { funnel } from './funnel.ts';
import { paths } from './paths.ts';
import { people } from './people.ts';
import { retention } from './retention.ts';
import { sessions } from './sessions.ts';
import { sql } from './sql.ts';
import { trend } from './trend.ts';
import type { Typical } from './typical.ts';

/** The typical question of each kind. */
export const TYPICAL = { trend, funnel, retention, sessions, attribution, experiment, cohort, people, paths, sql } as const satisfies Record<string, Typical>;
export type TypicalName = keyof typeof TYPICAL;

export const ALL_KINDS = Object.keys(TYPICAL) as TypicalName[];
/** `sql` reads the lake, which a store has only where it is asked for. */
export const KINDS_OF_TABLES = ALL_KINDS.filter((name) => name !== 'sql');

/** Those of TIDEMARK_BENCH_KINDS, or all of `among`. Throws when it names another. */
export function chosenKinds(among: readonly TypicalName[]): readonly TypicalName[] {
  const wanted = (process.env['TIDEMARK_BENCH_KINDS'] ?? '').split(',').filter(Boolean);
  const unknown = wanted.find((name) => !among.includes(name as TypicalName));
  if (unknown !== undefined) throw new Error(`TIDEMARK_BENCH_KINDS has '${unknown}'; there are ${among.join(', ')}.`);
  return wanted.length === 0 ? among : among.filter((name) => wanted.includes(name));
}

/** What is sent to ask a kind's question of a store; no kept answer is taken. */
export function askedOf({ question, range, isNeverKept = false }: Typical, plan: VisitsPlan): object {
  return { ...question, ...range(plan), ...(!isNeverKept && { cache: false }) };
}
