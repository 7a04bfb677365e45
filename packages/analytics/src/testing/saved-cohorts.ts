/** The saved cohorts that drawn questions name, live and static, for who asks and for the model. */
import { cohort, nodesOfIds, persons, whoHaveAny, withCohorts, withOwners, withSessions, type CohortedEvent, type CohortQuestion, type OwnedEvent, type SessionedEvent } from '@tidemark/model';
import type { StoredEvent } from '@tidemark/event';
import type { AskContext } from '../asking/ask-context.ts';
import { StaticCohorts } from '../cohorts/static-cohorts.ts';

const [BUYERS, REGULARS, KEPT] = ['buyers', 'r.egular', "o'kept"];
export const COHORTS = [BUYERS, REGULARS, KEPT];

const RANGE = { from: '1990-01-01', to: '2080-01-01' };
const LIVE: Record<string, { from: string; to: string; includeBots?: boolean; all: CohortQuestion['all'] }> = {
  [BUYERS]: { ...RANGE, all: [{ did: 'buy' }] },
  // Of another cohort, too.
  [REGULARS]: { ...RANGE, includeBots: true, all: [{ any: [{ property: 'cohort', op: 'in', value: [KEPT] }, { did: '*', where: [{ property: 'properties.plan', op: 'is_set' }], atLeast: 2 }] }, { property: 'person.plan', op: '!=', value: 'pro' }] },
};
/** A user, a device of several, and two whom nobody is. */
const KEPT_IDS = ['ann', 'd2', 'nobody', "o'brien"];
/** Ids of members that are kept; those of other files' stores are in tables of their own. */
const inUse: string[] = [];

interface Known {
  context: AskContext;
  /** The events as the model takes them. */
  known: (StoredEvent & OwnedEvent & SessionedEvent & CohortedEvent)[];
  /** Who is in each of the cohorts. */
  members: Readonly<Record<string, readonly string[]>>;
}

/** `events`: all of the project, which are stored. Whom the static cohort keeps is looked up when a question first names it. */
export function withSavedCohorts(events: readonly StoredEvent[], context: AskContext, gapMs = 1_800_000): Known {
  let members: Promise<string> | undefined;
  const save = (): Promise<string> => {
    const failed = (error: unknown): never => {
      throw error;
    };
    const cohorts = new StaticCohorts({ warehouse: context.warehouse, inUse: async () => inUse, onError: failed });
    return cohorts.save({ mode: 'static', people: KEPT_IDS }, context, async ({ id }) => {
      inUse.push(id);
      return id;
    });
  };
  const lookup: AskContext['cohort'] = async (_, name) => {
    if (name === KEPT) return { question: { mode: 'static' }, members: await (members ??= save()) };
    return Object.hasOwn(LIVE, name) ? { question: LIVE[name] } : undefined;
  };
  const owned = withSessions(withOwners(events), gapMs);
  const kept = whoHaveAny(nodesOfIds(KEPT_IDS, events), persons(events));
  const found: Record<string, string[]> = { [KEPT]: kept };
  for (const [name, { from, to, includeBots = false, all }] of Object.entries(LIVE)) {
    const question = { all, includeBots, fromMs: Date.parse(from), toMs: Date.parse(to), nowMs: context.clock() };
    found[name] = cohort(withCohorts(owned, found), question).members;
  }
  return { context: { ...context, cohort: lookup }, known: withCohorts(owned, found), members: found };
}
