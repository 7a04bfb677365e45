import type { OutcomeStore } from './outcomes.ts';
import type { Balance } from '../status.ts';

export interface BalanceParts {
  /** Events that the log received, by project. */
  received: readonly { project: string; received: number }[];
  outcomes: Pick<OutcomeStore, 'sum' | 'receivedElsewhere'>;
  /** Events of all projects that are in the log and not in the stores. */
  waiting: number;
  /** Of the quarantined events of the project, or of all: those that a replay has put into the log. */
  leaving: number;
}

/** What was received and what became of it, of one project or of all. */
export function balanceOf({ received, outcomes, waiting, leaving }: BalanceParts, project?: string): Balance {
  const sum = (outcome: Parameters<OutcomeStore['sum']>[0]): number => outcomes.sum(outcome, project);
  const ended = {
    stored: sum('stored'),
    duplicate: sum('duplicate'),
    // An item leaves when its row is in the log, whichever of the two topics is read first.
    quarantined: sum('quarantined') - leaving,
    filtered: sum('filtered'),
    rejected: sum('rejected'),
  };
  const counted = received.reduce((total, entry) => total + (project === undefined || entry.project === project ? entry.received : 0), 0);
  const all = counted + outcomes.receivedElsewhere(project);
  const accounted = Object.values(ended).reduce((total, events) => total + events, 0);
  // Of one project what is pending follows from the rest; that all add up is checked over all projects.
  const pending = project === undefined ? waiting : waiting === 0 ? 0 : all - accounted;
  return { received: all, ...ended, conflict: sum('conflict'), pending, difference: all - accounted - pending };
}
