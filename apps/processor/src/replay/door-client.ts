/** The engine's way to the collector's replay door. */
import { request } from 'node:http';
import type { ReplayLot } from '@tidemark/pipeline';

/** Where replayed events are let into the log. Throws ReplayUnavailable when it is away, or takes nothing at the moment. */
export interface ReplayDoorPort {
  /** To be asked for before the items are read; resolves when all that was handed in before is durable. */
  turn(): Promise<string>;
  /** The next turn when all of the lot is durable; undefined when its turn was over, and none of it was taken. */
  append(lot: ReplayLot): Promise<string | undefined>;
}

/** Nobody knows whether the lot on its way was taken: who asks again finds out. */
export class ReplayUnavailable extends Error {
  readonly code = 'replay_unavailable';
}

const TIMEOUT_MS = 30_000;

/** The door at a collector's local socket. */
export function replayDoorAt(socketPath: string): ReplayDoorPort {
  function call(method: 'GET' | 'POST', body?: string): Promise<{ status: number; turn: string }> {
    return new Promise((resolve, reject) => {
      const away = (cause: unknown): void => reject(new ReplayUnavailable('The collector does not answer; ask again in a moment.', { cause }));
      const sent = request({ socketPath, method, path: '/replay', agent: false, timeout: TIMEOUT_MS }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('error', away);
        answer.on('end', () => {
          const status = answer.statusCode ?? 0;
          if (status === 200 || status === 409) return resolve({ status, turn: (JSON.parse(text) as { turn: string }).turn });
          reject(new ReplayUnavailable(`The log takes no events at the moment (${status}); ask again in a moment.`));
        });
      });
      sent.on('timeout', () => sent.destroy(new Error('timeout')));
      sent.on('error', away);
      sent.end(body);
    });
  }
  return {
    turn: async () => (await call('GET')).turn,
    async append(lot) {
      const { status, turn } = await call('POST', JSON.stringify(lot));
      return status === 200 ? turn : undefined;
    },
  };
}
