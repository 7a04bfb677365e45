/** What the supervisor and its two child processes say to each other over Node's IPC channel. */
import type { ServerSettings } from './settings.ts';

export type ToChild = { type: 'start'; settings: ServerSettings } | { type: 'stop' };

export type FromChild =
  | { type: 'ready'; address: string }
  | { type: 'failed'; code: string; sentence: string; fix: string };
