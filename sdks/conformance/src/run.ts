import type { Call, ConformanceCase, Expectation } from './case.ts';
import type { CaseCollector } from './collector.ts';

/** An SDK on a device whose time, network and storage the case holds in its hand. */
export interface Subject {
  collector: CaseCollector;
  call(step: Call): void;
  pass(ms: number): Promise<void>;
  setClock(byMs: number): void;
  setNetwork(on: boolean): void;
  setStorage(how: 'full' | 'free' | 'stuck'): void;
  /** The process is gone without a word, and another begins on the same storage. */
  restart(): Promise<void>;
  /** Another life beside the first, on the same storage; for cases with tabs. */
  openTab(): Promise<void>;
  /** It is gone without a word. */
  killTab(): void;
  /** The first life stands still: its time does not pass, and nothing reaches it. */
  freeze(): void;
  resume(): Promise<void>;
  /** Events in the queues of all lives. */
  readonly waiting: number;
}

const TAB_STEPS: Record<'opened' | 'killed' | 'frozen' | 'resumed', (subject: Subject) => unknown> = {
  opened: (subject) => subject.openTab(),
  killed: (subject) => subject.killTab(),
  frozen: (subject) => subject.freeze(),
  resumed: (subject) => subject.resume(),
};

/** Runs a case; `check` compares what was found with what was expected, and says where. */
export async function runCase(
  each: ConformanceCase,
  subject: Subject,
  check: (found: unknown, expected: unknown, where: string) => void,
): Promise<void> {
  for (const [index, step] of each.steps.entries()) {
    const where = `${each.name}, step ${index + 1}`;
    if ('call' in step) subject.call(step);
    else if ('pass' in step) await subject.pass(step.pass);
    else if ('clock' in step) subject.setClock(step.clock);
    else if ('network' in step) subject.setNetwork(step.network === 'on');
    else if ('storage' in step) subject.setStorage(step.storage);
    else if ('tab' in step) await TAB_STEPS[step.tab](subject);
    else if ('restart' in step) await subject.restart();
    else if ('answers' in step) subject.collector.answers.push(...step.answers);
    else check(found(subject, step.expect), step.expect, where);
  }
}

/** Of what is expected, what there is. */
function found({ collector, waiting }: Subject, expected: Expectation): Expectation {
  const { stored } = collector;
  const reported: Record<string, number> = {};
  for (const { context } of stored)
    for (const [reason, count] of Object.entries(context.library.dropped ?? {}))
      reported[reason] = (reported[reason] ?? 0) + count;
  const all: Required<Expectation> = {
    requests: collector.requests,
    stored: stored.map(({ eventName, type }) => eventName ?? type),
    numbers: stored.map(({ sequence }) => sequence),
    users: stored.map(({ userId }) => userId ?? null),
    devices: new Set(stored.map(({ anonymousId }) => anonymousId)).size,
    span: stored.map(({ timestamp }) => Date.parse(timestamp) - Date.parse(stored[0]!.timestamp)),
    reported,
    waiting,
  };
  return Object.fromEntries(Object.keys(expected).map((key) => [key, all[key as keyof Expectation]]));
}
