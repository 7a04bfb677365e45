import type { AccessFlags } from '../client/access.ts';

/** What a check says. */
export interface Finding {
  level: 'ok' | 'warning' | 'fault';
  /** What was looked at. */
  subject: string;
  sentence: string;
  /** What to do, unless all is well. */
  fix?: string;
}

/** What the checks look at. */
export interface Patient {
  flags: AccessFlags;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}
