/** What the control store holds, and what it promises. `openControl` (open-control.ts) is the one that keeps it. */
import type { ApiTokenGrant, ApiTokens } from './api-tokens.ts';
import type { AuditLog } from './audit.ts';
import type { FirstProject, FirstProjectPresets } from './first-project.ts';
import type { IdentityDecisions } from './identity-decisions.ts';
import type { JobRecords } from './jobs.ts';
import type { DoorSettings, RateLimits } from './project-settings.ts';
import type { Projects } from './projects.ts';
import type { SavedQuestions } from './saved-questions.ts';
import type { Settings } from './settings.ts';
import type { Sources } from './sources.ts';
import type { Valves } from './valves.ts';
import type { WriteKeys } from './write-keys.ts';

/** What the collector must know of a write key to take its events. */
export interface WriteKeyGrant {
  project: string;
  /** Id of the source the key belongs to. */
  source: string;
  /** null = no limit. */
  limits: RateLimits;
  settings: DoorSettings;
  /** Those of the key's source, oldest first, expired ones among them; absent when there are none. */
  valves?: readonly ValveRule[];
}

/** Which events the collector stops at the door, and what becomes of them. Absent fields match anything. */
export interface ValveRule {
  id: string;
  /** Exact text. */
  appVersion?: string;
  /** Exact text. */
  eventName?: string;
  /** `quarantine`: kept with their bytes. `drop`: counted as rejected and not kept. */
  action: 'quarantine' | 'drop';
  /** Share of the matching events that is stopped, 0 to 1. */
  ratio: number;
  /** Epoch ms; an event received then or later passes. */
  expiresAtMs?: number;
}

/** Looks write keys up in memory; kept fresh from the control store (a change shows within two seconds). */
export interface KeyDirectory {
  find(writeKey: string): WriteKeyGrant | undefined;
  close(): Promise<void>;
}

/**
 * The control store: projects and all that is administered in them. Each change is durable when its promise resolves,
 * and stands in the audit log together with who made it (`actor`: an API token's id, or `start`, `cli`).
 * What can't be done is thrown as ControlError with a stable code.
 */
export interface Control {
  readonly projects: Projects;
  readonly settings: Settings;
  readonly sources: Sources;
  readonly keys: WriteKeys;
  readonly tokens: ApiTokens;
  readonly questions: SavedQuestions;
  readonly valves: Valves;
  readonly identities: IdentityDecisions;
  readonly jobs: JobRecords;
  readonly audit: AuditLog;
  /** Makes the first project with its source, key and token when there is none; adds presets that are missing. */
  ensureFirstProject(presets?: FirstProjectPresets): Promise<FirstProject>;
  /** The grant of a live token of a live project, or undefined. Takes as long for a wrong token as for a right one. */
  authenticateToken(token: string): Promise<ApiTokenGrant | undefined>;
  /** Writes a whole copy, as of one instant, to a file that must not exist. It is not yet synced. */
  copyTo(path: string): Promise<void>;
  close(): Promise<void>;
}
