/** What the supervisor and its two child processes say to each other over Node's IPC channel. */
import type { ServerSettings } from './settings.ts';

/** `start` may carry the listening socket of the process before (see `ListeningSocket`). */
export type ToChild = { type: 'start'; settings: ServerSettings } | { type: 'stop'; drainMs?: number };

/** `ready` may carry the socket on which the child listens. */
export type FromChild =
  /** The program is loaded: told to start, it will be ready soon. */
  | { type: 'loaded' }
  | { type: 'ready'; address: string }
  | { type: 'note'; sentence: string }
  | { type: 'failed'; code: string; sentence: string; fix: string };

/**
 * A socket that listens, on its way from one process to another: Node's own handle, as its cluster module sends it. Whoever
 * holds it keeps the port listening, without accepting anything: connections wait in the system's queue.
 */
export interface ListeningSocket {
  close(): void;
}
