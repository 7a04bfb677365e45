/** The collector as it is, but that each request arrives at the receivedAt that it says, in whatever order they are sent. */
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCollector, type Collector } from '@tidemark/collector';
import type { WriteKeyGrant } from '@tidemark/control';
import type { LogWriter } from '@tidemark/log';
import { createMetrics } from '@tidemark/metrics';
import type { ProjectRules, Request } from '@tidemark/model';
import { createAdmission } from '@tidemark/pipeline';
import { expect } from 'vitest';

export interface TimedCollectorParts {
  log: LogWriter;
  rulesOf: (project: string) => ProjectRules | undefined;
  engineSocketPath: string;
  replaySocketPath: string;
}

export class TimedCollector {
  readonly #collector: Collector;
  /** Of what comes next; epoch ms. */
  receivedAtMs = 0;

  static async start(parts: TimedCollectorParts): Promise<TimedCollector> {
    const timed = new TimedCollector(parts);
    await new Promise<void>((resolve) => timed.#collector.server.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => timed.#collector.replays.listen(parts.replaySocketPath, resolve));
    return timed;
  }

  private constructor({ log, rulesOf, engineSocketPath }: TimedCollectorParts) {
    const atGivenTimes: LogWriter = {
      get epoch() {
        return log.epoch;
      },
      get epochs() {
        return log.epochs;
      },
      get pendingBytes() {
        return log.pendingBytes;
      },
      stamp: () => this.receivedAtMs,
      append: (...given) => log.append(...given),
      drop: (...given) => log.drop(...given),
      close: () => log.close(),
    };
    this.#collector = createCollector({
      log: atGivenTimes,
      keys: { find: (key) => grantOf(key, rulesOf), close: async () => {} },
      admission: createAdmission({ countryOf: () => '' }),
      nowMs: () => this.receivedAtMs,
      metrics: createMetrics({ role: 'collector' }),
      logger: { info: () => {}, warn: () => {}, error: (_, message) => expect.fail(message) },
      engineSocketPath,
    });
  }

  /** Sends one batch and resolves with the answer's body, once it is durable. */
  async send({ project, source, receivedAtMs, sentAt, events }: Request, headers: Record<string, string>): Promise<{ accepted: number; receivedAt: string }> {
    const { port } = this.#collector.server.address() as AddressInfo;
    this.receivedAtMs = receivedAtMs;
    const { status, text } = await post(port, JSON.stringify({ sentAt, events }), { authorization: `Bearer ${project}.${source}`, ...headers });
    expect(status, text).toBe(202);
    const answer = JSON.parse(text) as { accepted: number; receivedAt: string };
    expect(Date.parse(answer.receivedAt)).toBe(receivedAtMs);
    return answer;
  }

  async close(): Promise<void> {
    await this.#collector.close();
  }
}

/** A write key is `project.source`. */
function grantOf(key: string, rulesOf: TimedCollectorParts['rulesOf']): WriteKeyGrant {
  const [project = '', source = ''] = key.split('.');
  const { bots, retentionDays } = rulesOf(project) ?? { bots: 'flag', retentionDays: null };
  return { project, source, limits: { eventsPerSecond: null, bytesPerSecond: null }, settings: { bots, ip: 'drop', retentionDays, consentCategory: 'analytics' } };
}

/** Over a connection of its own: while the model thinks, a kept one would be closed for being idle. */
function post(port: number, body: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', path: '/api/events/batch', method: 'POST', headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    });
    sent.on('error', reject).end(body);
  });
}
