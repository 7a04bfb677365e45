/** What still comes of a request that has its answer already. */
import type { IncomingMessage } from 'node:http';

/** Nothing came for so long: the sender has stopped, or stands still. */
const IDLE_MS = 2_000;
/** A list of a million values, 30 MB, at 1 MB/s. */
const MAX_MS = 30_000;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Reads on and drops what comes, so that the connection can be used again; cuts it when it is too much or takes too long. `done` is
 * called once, when nothing more is read. Many clients write all of a body before they look for the answer, and a socket that is
 * closed with unread bytes is reset: they would get EPIPE in place of the answer that explains why (RFC 9112, section 9.6).
 */
export function readOff(req: IncomingMessage, done: () => void = () => {}): void {
  if (req.readableEnded || req.destroyed) return done();
  if (req.complete) {
    // It has come, but the socket stays paused until what was buffered is read.
    req.resume();
    return done();
  }
  const deadlineMs = performance.now() + MAX_MS;
  let bytes = 0;
  const idle = setTimeout(cut, IDLE_MS);
  function settle(): void {
    clearTimeout(idle);
    req.off('data', onData).off('end', settle).off('close', settle);
    done();
  }
  function cut(): void {
    settle();
    req.destroy();
  }
  function onData(chunk: Buffer): void {
    bytes += chunk.length;
    if (bytes > MAX_BYTES || performance.now() > deadlineMs) cut();
    else idle.refresh();
  }
  req.on('data', onData).once('end', settle).once('close', settle);
  req.resume();
}
