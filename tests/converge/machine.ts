/**
 * Collector, log, processor, stores and questions as they are, in this process, under clocks that the test sets: each
 * request arrives at the receivedAt that it says, in whatever order it is sent. One machine holds many projects, so that
 * two histories (or one history in two orders) can be told apart by their project alone.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, exportEvents, personsOfHashes, rollupDefinitions, timelineQuery, WarehouseIdentities } from '@tidemark/analytics';
import { purgeProject, retention, Rollups } from '@tidemark/jobs';
import { compactLake, Lake } from '@tidemark/lake';
import { LmdbLogReader, LmdbLogWriter, LmdbPositions } from '@tidemark/log';
import type { IdentityDecision, ProjectRules, Request } from '@tidemark/model';
import { createAdmission, type PatchStep } from '@tidemark/pipeline';
import { Processor, rebuildJournalPath, Rebuilds, replayDoorAt, Replays, type ProcessorParts } from '@tidemark/processor';
import type { ChdbWarehouse } from '@tidemark/warehouse';
import { DERIVED_TABLES, insertDerived } from '@tidemark/warehouse';
import { openMigrated } from '@tidemark/warehouse/testing';
import { expect } from 'vitest';
import type { Asking, Shown } from './answers.ts';
import { TimedCollector } from './timed-collector.ts';

export const CRASH_POINTS = ['planned', 'applied', 'counted', 'committed'] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** So long ranges wait for company: a range of its own for each request would make most of a run's time. */
const LINGER_MS = 100;
/** Nobody doubts the clock, and every deletion is meant. */
const SURE = { clock: { doubt: async () => undefined }, confirmations: { isConfirmed: async () => true } };

export class Machine {
  /** What processor, jobs and questions take for now, epoch ms. Requests carry their own time. */
  clockMs = 0;
  readonly folder = mkdtempSync(join(tmpdir(), 'tidemark-converge-'));
  warehouse!: ChdbWarehouse;
  processor!: Processor;
  #lake!: Lake;
  #positions!: LmdbPositions;
  #log!: LmdbLogWriter;
  #reader!: LmdbLogReader;
  #collector!: TimedCollector;
  #identities!: WarehouseIdentities;
  #rollups!: Rollups;
  /** What identities take for the age of what they keep; deletions and rebuilds show when that has grown. */
  #ageMs = 0;
  readonly #rules = new Map<string, ProjectRules>();
  readonly #decisions = new Map<string, IdentityDecision[]>();

  static async open(): Promise<Machine> {
    const machine = new Machine();
    const { folder } = machine;
    machine.warehouse = await openMigrated({ path: join(folder, 'warehouse') });
    machine.#lake = await Lake.open(join(folder, 'lake'), machine.warehouse);
    machine.#positions = new LmdbPositions(join(folder, 'positions'));
    machine.#log = await LmdbLogWriter.open(join(folder, 'log'));
    machine.#reader = LmdbLogReader.open(join(folder, 'log'))!;
    machine.#collector = await TimedCollector.start({ log: machine.#log, rulesOf: (project) => machine.#rules.get(project), engineSocketPath: join(folder, 'engine.sock'), replaySocketPath: join(folder, 'replay.sock') });
    await machine.#startProcessor();
    return machine;
  }

  /** The rules of a project, whose write key is its id and its source. */
  setRules(project: string, rules: ProjectRules): void {
    this.#rules.set(project, rules);
  }

  /** The control database's part, in memory. */
  decide(project: string, { verdict, a, b }: IdentityDecision): void {
    const decision = { verdict, a: keyOf(a), b: keyOf(b) };
    this.#decisions.set(project, [...(this.#decisions.get(project) ?? []), decision]);
  }

  /** Sends one batch and resolves with the answer's body, once it is durable. */
  send(batch: Request, headers: Record<string, string> = {}): Promise<{ accepted: number; receivedAt: string }> {
    return this.#collector.send(batch, headers);
  }

  /** As after a stop and a start: nothing in memory is kept. */
  async restartProcessor(): Promise<void> {
    await this.processor.stop();
    await this.#startProcessor();
  }

  /** The processor gets so far with what is waiting and no further, and is started again. */
  async dieAt(point: CrashPoint): Promise<void> {
    await this.processor.stop();
    let died = (): void => {};
    const death = new Promise<void>((resolve) => (died = resolve));
    await this.#startProcessor({
      crashPoint: (name) => {
        if (name !== point) return;
        died();
        throw new Error(`died when ${name}`);
      },
    });
    const { lag } = this.processor.status();
    if (lag > 0) await death;
    await this.restartProcessor();
  }

  /** Replays all that is in quarantine, as of the machine's clock: so many engines at once. */
  async replay(project: string, patch: readonly PatchStep[], engines: number): Promise<void> {
    this.#collector.receivedAtMs = this.clockMs;
    const { warehouse, processor } = this;
    const admission = createAdmission({ countryOf: () => '' });
    const replayAll = async (): Promise<void> => {
      const replays = new Replays({
        warehouse, temporaryFolder: mkdtempSync(join(this.folder, 'replay-')), door: replayDoorAt(join(this.folder, 'replay.sock')), nowMs: () => this.clockMs,
        admit: (value, facts) => admission.admit(value, facts),
        rulesOf: async () => ({ settings: { ...(this.#rules.get(project) ?? { bots: 'flag', retentionDays: null }), ip: 'drop', consentCategory: 'analytics' }, valves: [] }),
        // What was let in is in the log; that it is stored is not waited for, so that what comes next comes in between.
        processor: { caughtUp: async () => true, quarantineCaughtUp: (timeoutMs) => processor.quarantineCaughtUp(timeoutMs) },
      });
      await replays.replay({ filter: { project }, patch, limit: 10_000, preview: false });
    };
    await Promise.all(Array.from({ length: engines }, replayAll));
  }

  compact(): Promise<unknown> {
    return compactLake(this.#lake, this.warehouse);
  }

  /** Resolves when all that was acknowledged is stored and counted. */
  async settled(): Promise<void> {
    expect(await this.processor.caughtUp(60_000)).toBe(true);
    await expect.poll(async () => (await this.processor.balance()).pending).toBe(0);
  }

  /** The questions of one project. */
  asking(project: string): Asking {
    const { warehouse, processor } = this;
    const identities = this.#identities;
    const context = { project, warehouse, clock: () => this.clockMs, freshness: processor, identities };
    return {
      question: (kind, body) => ask(kind, body, context),
      balance: async () => ({ ...(await processor.balance(project)) }),
      async timeline(id) {
        const events: unknown[] = [];
        for (let cursor: string | null = ''; cursor !== null;) {
          const page = await timelineQuery({ id, limit: 50, ...(cursor === '' ? {} : { cursor }) }, context);
          events.push(...page.events);
          cursor = page.nextCursor;
        }
        return events as Shown[];
      },
      async exported() {
        const chunks: Buffer[] = [];
        const whole = { format: 'ndjson', from: '1970-01-01', to: '2060-01-01' };
        for await (const chunk of exportEvents(whole, { ...context, identity: await identities.of(project) }).stream()) chunks.push(chunk);
        return Buffer.concat(chunks).toString().split('\n').filter(Boolean).map((line) => JSON.parse(line) as Shown);
      },
    };
  }

  async purge(project: string): Promise<void> {
    await purgeProject(project, { warehouse: this.warehouse, lake: this.#lake, processor: this.processor, sleep: async () => {} });
    this.#age();
  }

  /** Retention of one project, as of `nowMs`. The machine's clock has come so far, or what is old is not sealed. */
  async expire(project: string, nowMs: number): Promise<void> {
    await this.settled();
    const settings = { list: async () => [{ id: project }], retentionDays: async () => this.#rules.get(project)?.retentionDays ?? null };
    await retention({ warehouse: this.warehouse, lake: this.#lake, settings, ...SURE, nowMs: () => nowMs, expiring: (...which) => this.#rollups.freeze(...which) }).run();
    this.#age();
  }

  /** A round of the job that seals and makes rollups, of all projects. */
  async rollUp(): Promise<void> {
    await this.#rollups.job.run();
  }

  /** Makes events and timeline of all projects again from the lake. */
  async rebuild(): Promise<void> {
    const { warehouse, processor, folder } = this;
    const rebuilds = new Rebuilds({
      reader: this.#reader, positions: this.#positions, warehouse, lake: this.#lake, processor, temporaryFolder: warehouse.temporaryFolder,
      exclusively: (work) => work(),
      derived: { tables: DERIVED_TABLES, write: (source) => insertDerived(warehouse, source) },
      idsSinceMs: () => 0,
      swapped: () => processor.dirty.markStored(),
      journalPath: rebuildJournalPath(join(folder, 'warehouse')),
      nowMs: () => this.clockMs,
      room: { freeBytes: async () => Infinity, reserveBytes: 0 },
      onError: (error) => expect.fail(String(error)),
    });
    await rebuilds.begin({});
    await rebuilds.ended();
    expect(rebuilds.view()).toMatchObject({ state: 'done', error: undefined });
    this.#age();
  }

  async close(): Promise<void> {
    await this.#collector.close();
    await this.processor.stop();
    await this.#reader.close();
    await this.#log.close();
    await this.#positions.close();
    this.#lake.close();
    await this.warehouse.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #startProcessor(options: Partial<ProcessorParts> = {}): Promise<void> {
    const { warehouse } = this;
    this.processor = await Processor.open({
      reader: this.#reader, positions: this.#positions, warehouse, lake: this.#lake, temporaryFolder: warehouse.temporaryFolder,
      nowMs: () => this.clockMs, version: 'test', lingerMs: LINGER_MS, ...options,
    });
    const { processor } = this;
    processor.start();
    this.#rollups = new Rollups({
      warehouse,
      writer: processor,
      definitionsOf: async () => rollupDefinitions([]),
      personsOf: async (project) => personsOfHashes(await this.#identities.of(project)),
      clock: SURE.clock,
      nowMs: () => this.clockMs,
    });
    this.#identities = new WarehouseIdentities({
      warehouse,
      decisionsOf: async (project) => this.#decisions.get(project) ?? [],
      changes: () => processor.identityChanges(),
      monotonicMs: () => this.#ageMs,
    });
  }

  /** So that what is kept in memory of who is who is too old to be believed. */
  #age(): void {
    this.#ageMs += 3_600_000;
  }
}

/** A node of the model, `user x` or `device x`, as decisions have it. */
function keyOf(node: string): string {
  return node.replace(/^user /, 'u').replace(/^device /, 'a');
}
