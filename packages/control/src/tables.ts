/** The rows of the control file as kysely sees them; the words are those of migrations/. */
import type { ColumnType, Generated } from 'kysely';

type SetOnce<T> = ColumnType<T, T, never>;
type Later = ColumnType<number | null, never, number>;

export interface Tables {
  projects: {
    id: SetOnce<string>;
    name: string;
    created_at_ms: SetOnce<number>;
    deleted_at_ms: Later;
    purged_at_ms: ColumnType<number | null, never, number | null>;
  };
  settings: {
    project: SetOnce<string>;
    bots: Generated<'flag' | 'drop'>;
    consent_category: Generated<string | null>;
    ip: Generated<'drop' | 'truncate' | 'keep'>;
    retention_days: ColumnType<number | null, number | null | undefined, number | null>;
    quarantine_days: ColumnType<number | null, number | null | undefined, number | null>;
    /** JSON text. */
    rollup_properties: Generated<string>;
    /** JSON text. */
    channel_rules: Generated<string>;
  };
  identity_decisions: {
    id: Generated<number>;
    project: SetOnce<string>;
    verdict: SetOnce<'merge' | 'cut'>;
    node_a: SetOnce<string>;
    node_b: SetOnce<string>;
    reason: SetOnce<string>;
    made_at_ms: SetOnce<number>;
    made_by: SetOnce<string>;
  };
  jobs: {
    name: SetOnce<string>;
    holder: string | null;
    lease_until_ms: number | null;
    started_at_ms: number | null;
    ended_at_ms: number | null;
    duration_ms: number | null;
    rows: number | null;
    result: string | null;
    error: string | null;
    error_code: string | null;
    /** JSON text. */
    held_back: Generated<string>;
  };
  job_confirmations: {
    job: SetOnce<string>;
    project: SetOnce<string>;
    setting: SetOnce<string>;
    confirmed_at_ms: SetOnce<number>;
    confirmed_by: SetOnce<string>;
  };
  sources: {
    project: SetOnce<string>;
    id: SetOnce<string>;
    name: string;
    created_at_ms: SetOnce<number>;
    deleted_at_ms: ColumnType<number | null, never, number | null>;
  };
  write_keys: {
    key: SetOnce<string>;
    project: SetOnce<string>;
    source: SetOnce<string>;
    events_per_second: number | null;
    bytes_per_second: number | null;
    created_at_ms: SetOnce<number>;
    revoked_at_ms: Later;
  };
  api_tokens: {
    id: SetOnce<string>;
    project: SetOnce<string>;
    name: string;
    hash: SetOnce<Buffer>;
    prefix: SetOnce<string>;
    /** 0 or 1. */
    admin: SetOnce<number>;
    created_at_ms: SetOnce<number>;
    last_used_at_ms: Later;
    revoked_at_ms: Later;
  };
  saved_questions: {
    project: SetOnce<string>;
    kind: SetOnce<string>;
    name: SetOnce<string>;
    version: SetOnce<number>;
    /** JSON text. */
    body: SetOnce<string>;
    created_at_ms: SetOnce<number>;
    created_by: SetOnce<string>;
    deleted_at_ms: Later;
    /** JSON text. */
    members: SetOnce<string | null>;
  };
  valves: {
    id: SetOnce<string>;
    project: SetOnce<string>;
    app_version: SetOnce<string | null>;
    event_name: SetOnce<string | null>;
    source: SetOnce<string | null>;
    action: 'quarantine' | 'drop';
    ratio: number;
    reason: string;
    created_at_ms: SetOnce<number>;
    /** Who made it: an API token's id. */
    created_by: SetOnce<string>;
    expires_at_ms: number | null;
    deleted_at_ms: Later;
  };
  audit: {
    id: Generated<number>;
    at_ms: SetOnce<number>;
    project: SetOnce<string>;
    actor: SetOnce<string>;
    action: SetOnce<string>;
    subject: SetOnce<string>;
    /** JSON text. */
    detail: SetOnce<string>;
  };
}
