/** The replay door on a local socket, for the engine alone: GET /replay tells the turn, POST /replay hands a lot in. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { ReplayLot } from '@tidemark/pipeline';
import type { Logger } from '../logger.ts';
import type { ReplayDoor } from './replay-door.ts';

const STATUS = { appended: 200, late: 409, busy: 503 } as const;
/** A lot is some hundred events of at most 64 KB, and twice that where enrichment and JSON's escapes add to them. */
const MAX_LOT_BYTES = 64 << 20;

/** Not yet listening. Answers are `{"end", "turn"}`, the turn being the next one. */
export function createReplayServer(door: ReplayDoor, logger: Logger): Server {
  async function answerTo(req: IncomingMessage): Promise<{ status: number; body: object }> {
    if (req.url !== '/replay') return { status: 404, body: {} };
    if (req.method === 'GET') return { status: 200, body: { turn: await door.turn() } };
    const lot = await readLot(req);
    if (lot === undefined) return { status: 413, body: {} };
    const end = await door.take(lot);
    return { status: STATUS[end], body: { end, turn: await door.turn() } };
  }
  return createServer((req, res) => {
    answerTo(req).then(
      ({ status, body }) => res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      (err: unknown) => {
        // Also what broke off on its way: nothing of it was taken.
        logger.error({ err }, 'a lot of replayed events could not be taken');
        res.writeHead(500).end();
      },
    );
  });
}

async function readLot(req: IncomingMessage): Promise<ReplayLot | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_LOT_BYTES) return undefined;
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as ReplayLot;
}
