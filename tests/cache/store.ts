/** A store with everything that an answer may hang on, a clock that is set by hand, and a cache of answers. */
import { join } from 'node:path';
import { AnswerCache, ask, personsOfHashes, plainIdentity, rollupDefinitions, WarehouseIdentities, type AskContext, type Caching, type ChannelRule, type CohortLookup, type Identities, type Meta, type ProjectIdentity } from '@tidemark/analytics';
import { openControl, type Control } from '@tidemark/control';
import { retention, Rollups } from '@tidemark/jobs';
import type { Processor } from '@tidemark/processor';
import { TestPipeline } from '@tidemark/processor/testing';
import { DAYS, DAY_MS, eventsOf, HISTORY_MS, type Change } from './changes.ts';

const SURE = { doubt: async () => undefined };
const LATENESS_MS = 2 * 3_600_000;

interface Told {
  /** Without `meta`. */
  answer: object;
  cached: boolean;
  /** Epoch ms. */
  asOfMs: number;
}

export class Store {
  nowMs = 0;
  /** Who is who is told as it was the last time, as to questions that come while it is read anew beside them. */
  isReadBeside = false;
  readonly #pipeline = new TestPipeline();
  #processor!: Processor;
  #control!: Control;
  #histories = 0;
  #stored = 0;

  async open(): Promise<void> {
    await this.#pipeline.open();
    this.#processor = await this.#pipeline.processor();
    this.#processor.start();
    this.#control = await openControl(join(this.#pipeline.folder, 'control', 'control.db'));
  }

  async close(): Promise<void> {
    await this.#processor.stop();
    await this.#control.close();
    await this.#pipeline.close();
  }

  /** A project with days of its own, since lines only rise; now is two hours after the last of them. */
  async begin(): Promise<History> {
    const { project } = await this.#control.projects.create({ name: `history ${++this.#histories}`, actor: 'test' });
    const startMs = Date.UTC(2026, 0, 5) + this.#histories * HISTORY_MS;
    this.nowMs = startMs + DAYS * DAY_MS + LATENESS_MS;
    const caching: Caching = { answers: new AnswerCache({ minElapsedMs: 0 }), decisions: (of) => this.#control.audit.last(of), changes: () => this.#processor.identityChanges() };
    const context = this.#contextOf(project.id);
    const told = async (kind: string, question: object, asked: AskContext): Promise<Told> => {
      const { meta, ...answer } = (await ask(kind, question, asked)) as { meta: Meta };
      return { answer, cached: meta.cached === true, asOfMs: Date.parse(meta.asOf) };
    };
    return {
      startMs,
      take: (change) => this.#take(change, project.id, startMs),
      ask: (kind, question) => told(kind, question, { ...context, caching }),
      compute: async (kind, question) => (await told(kind, question, context)).answer,
    };
  }

  async #take(change: Change, project: string, startMs: number): Promise<void> {
    const by = { project, actor: 'test' };
    switch (change.do) {
      case 'add': {
        await this.#pipeline.append(eventsOf(change.events, project, startMs, this.#stored));
        this.#stored += change.events.length;
        await this.#processor.caughtUp(20_000);
        return;
      }
      case 'merge':
      case 'cut':
        await this.#control.identities.decide({ ...by, verdict: change.do, pairs: [change.pair], reason: '' });
        return;
      case 'channels': {
        const channels = [{ name: change.name, where: [{ property: 'eventName', op: '=', value: 'view' }] }];
        await this.#control.settings.set({ ...by, settings: { channels } });
        return;
      }
      case 'cohort':
        await this.#control.questions.save({ ...by, kind: 'cohort', name: 'c', body: { all: [{ did: change.event }], from: new Date(startMs).toISOString() } });
        return;
      case 'round':
        await this.#rollups().job.run();
        return;
      case 'wait':
        return;
      case 'expire': {
        const { warehouse, lake } = this.#pipeline;
        const settings = { list: async () => [{ id: project }], retentionDays: async () => change.days };
        const job = this.#rollups();
        await retention({ warehouse, lake, settings, clock: SURE, confirmations: { isConfirmed: async () => true }, nowMs: () => this.nowMs, expiring: (...which) => job.freeze(...which) }).run().catch((error: unknown) => {
          // Events are not sealed yet, or more would go than is believed.
          if (!/caught up|held|delete/i.test(String(error))) throw error;
        });
      }
    }
  }

  #rollups(): Rollups {
    const writer = { status: () => ({ watermarkMs: this.nowMs - LATENESS_MS }), between: <R>(work: () => Promise<R>) => this.#processor.between(work), dirty: this.#processor.dirty };
    return new Rollups({ warehouse: this.#pipeline.warehouse, writer, definitionsOf: async () => rollupDefinitions([]), personsOf: async (project) => personsOfHashes(plainIdentity(project)), clock: SURE, nowMs: () => this.nowMs });
  }

  #contextOf(project: string): AskContext {
    const { warehouse } = this.#pipeline;
    const freshness = { status: () => ({ asOfMs: this.nowMs, watermarkMs: this.nowMs - LATENESS_MS }), caughtUp: async () => true };
    const read = new WarehouseIdentities({ warehouse, decisionsOf: (of) => this.#control.identities.list(of), changes: () => this.#processor.identityChanges(), monotonicMs: () => this.nowMs });
    let last: ProjectIdentity | undefined;
    const identities: Identities = { of: async (of) => (last = (this.isReadBeside ? last : undefined) ?? (await read.of(of))) };
    const cohort: CohortLookup = async (of, name) => ({ question: (await this.#control.questions.get({ project: of, kind: 'cohort', name })).body });
    return { project, warehouse, clock: () => this.nowMs, freshness, identities, cohort, channels: (of) => this.#control.settings.channelRules(of) as Promise<ChannelRule[]> };
  }
}

/** One project's. */
export interface History {
  startMs: number;
  take(change: Change): Promise<void>;
  /** By way of the cache. */
  ask(kind: string, question: object): Promise<Told>;
  /** Beside the cache. */
  compute(kind: string, question: object): Promise<object>;
}
