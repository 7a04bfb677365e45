/** A whole engine for tests: real log, real chDB, real lake, real control store, real processor, in a temp folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openControl, openKeyDirectory } from '@tidemark/control';
import type { ApiTokenGrant, Control, KeyDirectory } from '@tidemark/control';
import { RowWriter } from '@tidemark/event';
import { Lake } from '@tidemark/lake';
import { LmdbLogReader, LmdbLogWriter, LmdbPositions } from '@tidemark/log';
import { createMetrics } from '@tidemark/metrics';
import type { Metrics } from '@tidemark/metrics';
import { createAdmission } from '@tidemark/pipeline';
import type { QuarantineRecord } from '@tidemark/pipeline';
import { Processor } from '@tidemark/processor';
import type { ChdbWarehouse } from '@tidemark/warehouse';
import { openMigrated } from '@tidemark/warehouse/testing';
import type { FastifyInstance } from 'fastify';
import { StaticCohorts, WarehouseIdentities } from '@tidemark/analytics';
import { createApi } from '../api.ts';
import type { ApiDeps } from '../deps.ts';
import { answersOf } from './conformance.ts';
import type { CheckAnswer } from './conformance.ts';

export const TOKEN = 'test-token';
export const WRITE_KEY = 'cTestTestTestTestTestTest';

export class TestEngine {
  readonly folder = mkdtempSync(join(tmpdir(), 'tidemark-api-'));
  app!: FastifyInstance;
  control!: Control;
  keys!: KeyDirectory;
  warehouse!: ChdbWarehouse;
  processor!: Processor;
  metrics!: Metrics;
  project!: string;
  readonly admission = createAdmission({ countryOf: (ip) => (ip === '192.0.2.1' ? 'DK' : '') });
  #writer!: LmdbLogWriter;
  #reader!: LmdbLogReader;
  #positions!: LmdbPositions;
  #lake!: Lake;
  #checkAnswer!: CheckAnswer;

  /** `processing: false`: what is collected stays in the log until `process()`. */
  static async start(change: Partial<ApiDeps> = {}, { processing = true } = {}): Promise<TestEngine> {
    const engine = new TestEngine();
    await engine.#open(change);
    if (processing) engine.process();
    return engine;
  }

  process(): void {
    this.processor.start();
  }

  async #open(change: Partial<ApiDeps>): Promise<void> {
    const { folder } = this;
    this.control = await openControl(join(folder, 'control', 'control.db'));
    this.project = (await this.control.ensureFirstProject({ writeKey: WRITE_KEY, apiToken: TOKEN })).project;
    this.keys = await openKeyDirectory(join(folder, 'control', 'control.db'));
    this.warehouse = await openMigrated({ path: join(folder, 'warehouse') });
    this.#writer = await LmdbLogWriter.open(join(folder, 'log'));
    this.#reader = LmdbLogReader.open(join(folder, 'log'))!;
    this.#positions = new LmdbPositions(join(folder, 'positions'));
    this.#lake = await Lake.open(join(folder, 'lake'), this.warehouse);
    this.processor = await Processor.open({
      reader: this.#reader,
      positions: this.#positions,
      warehouse: this.warehouse,
      lake: this.#lake,
      temporaryFolder: this.warehouse.temporaryFolder,
      nowMs: Date.now,
      version: 'test',
      lingerMs: 0,
    });
    this.metrics = createMetrics({ role: 'engine', onError: (error) => this.failures.push(error) });
    this.app = createApi({ ...this.#deps(), ...change });
    await this.app.ready();
    this.#checkAnswer = answersOf((await this.app.inject({ url: '/openapi.json' })).json());
  }

  /** What was told to onError. */
  readonly failures: unknown[] = [];

  #deps(): ApiDeps {
    const { control, keys, warehouse, processor, admission, metrics, folder } = this;
    const folders = { log: join(folder, 'log'), warehouse: join(folder, 'warehouse'), lake: join(folder, 'lake') };
    return {
      control,
      keys,
      warehouse,
      processor,
      admission,
      metrics,
      folders,
      log: this.#reader,
      identities: new WarehouseIdentities({ warehouse, decisionsOf: (project) => control.identities.list(project), changes: () => processor.identityChanges() }),
      cohorts: new StaticCohorts({ warehouse, inUse: () => control.questions.membersInUse(), onError: (error) => this.failures.push(error) }),
      clock: Date.now,
      version: '0.0.0-test',
    };
  }

  /** Takes events as the collector does: admits each, appends all in one group commit. Resolves when durable. */
  async collect(
    events: readonly unknown[],
    grant: Pick<ApiTokenGrant, 'project'> = { project: this.project },
  ): Promise<number> {
    const receivedAtMs = this.#writer.stamp();
    const facts = {
      project: grant.project,
      source: 'web',
      settings: { bots: 'flag', ip: 'drop', retentionDays: null, consentCategory: 'analytics' } as const,
      receivedAtMs,
      sentAt: undefined,
      ip: undefined,
      userAgent: undefined,
      fromBrowser: false,
    };
    const rows = new RowWriter();
    const stored: Buffer[] = [];
    const quarantined: Buffer[] = [];
    for (const value of events) {
      const admission = this.admission.admit(value, facts);
      if (admission.kind === 'store') {
        rows.write(admission.event);
        stored.push(rows.take());
        continue;
      }
      if (admission.kind !== 'quarantine') throw new Error(`not for this test: ${admission.kind}`);
      const [{ code, detail }] = admission.faults;
      const { eventId, eventName, faults } = admission;
      const record: QuarantineRecord = {
        kind: 'item',
        project: grant.project,
        source: 'web',
        receivedAtMs,
        code,
        detail,
        faults,
        eventId,
        eventName,
        original: JSON.stringify(value),
        encoding: 'utf8',
      };
      quarantined.push(Buffer.from(JSON.stringify(record)));
    }
    const frames = [
      { topic: 'events', partition: 0, count: stored.length, bytes: framed(stored) },
      { topic: 'quarantine', partition: 0, count: quarantined.length, bytes: framed(quarantined) },
    ] as const;
    const minuteMs = receivedAtMs - (receivedAtMs % 60_000);
    await this.#writer.append(
      frames,
      [{ project: grant.project, source: 'web', minuteMs, received: events.length }],
      receivedAtMs,
    );
    return receivedAtMs;
  }

  /** Everything collected so far is in the stores, the quarantined too. */
  async settled(): Promise<void> {
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
      if ((await this.processor.balance()).pending === 0) return;
      await new Promise((next) => setTimeout(next, 20));
    }
    throw new Error('the processor did not catch up within a minute');
  }

  /** Calls the API with the first project's token; throws when the answer is not what /openapi.json says. */
  async call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) {
    const sent = {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    };
    const payload = body === undefined ? {} : { payload: JSON.stringify(body) };
    const answer = await this.app.inject({ method, url, headers: sent, ...payload });
    this.#checkAnswer(method, url, answer.statusCode, String(answer.headers['content-type'] ?? ''), answer.body);
    return answer;
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.processor.stop();
    await this.#reader.close();
    await this.#writer.close();
    await this.#positions.close();
    await this.keys.close();
    await this.control.close();
    this.#lake.close();
    await this.warehouse.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function framed(records: readonly Buffer[]): Buffer {
  return Buffer.concat(
    records.flatMap((record) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(record.length);
      return [length, record];
    }),
  );
}
