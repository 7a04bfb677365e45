import { setTimeout as sleep } from 'node:timers/promises';
import type Libsql from 'libsql';
import type { KeyDirectory, WriteKeyGrant } from './control.ts';
import type { DoorSettings } from './project-settings.ts';
import { connectForReading, schemaVersion } from './database.ts';
import { ControlError } from './errors.ts';
import { migrations } from './migrations/index.ts';
import { warn } from './store.ts';
import { readValves } from './valve-rules.ts';

export interface KeyDirectoryOptions {
  /** How often the file is asked whether it changed; 1 s by default. The question costs microseconds. */
  pollMs?: number;
  /** How long to wait for another process to make the file; 20 s by default. */
  waitMs?: number;
  /** Told when the file can't be read any more; keys stay as last read until it can. A warning by default. */
  onError?: (error: unknown) => void;
}

/**
 * Reads all live keys of the control file into memory, through a connection of its own that can't write, and reads them
 * again when another connection has changed the file. Rejects with ControlError `control_unavailable` when the file
 * isn't there in time: an empty directory would answer 401 to good clients, and they would throw their events away.
 */
export async function openKeyDirectory(path: string, options: KeyDirectoryOptions = {}): Promise<KeyDirectory> {
  const { pollMs = 1_000, waitMs = 20_000, onError = warn } = options;
  const db = await connectWhenThere(path, waitMs);
  let version = dataVersion(db);
  let keys = readKeys(db);

  const timer = setInterval(() => {
    try {
      const now = dataVersion(db);
      if (now === version) return;
      keys = readKeys(db);
      // The version read first: a change between the two reads shows as another version next time.
      version = now;
    } catch (error) {
      onError(error);
    }
  }, pollMs);
  timer.unref();

  return {
    find: (writeKey) => keys.get(writeKey),
    async close() {
      clearInterval(timer);
      db.close();
    },
  };
}

async function connectWhenThere(path: string, waitMs: number): Promise<Libsql.Database> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      return connectMigrated(path);
    } catch (error) {
      if (performance.now() >= deadline) throw error;
      await sleep(50);
    }
  }
}

function connectMigrated(path: string): Libsql.Database {
  const db = connectForReading(path);
  try {
    if (schemaVersion(db) >= migrations.length) return db;
    throw new ControlError(
      'control_unavailable',
      `The control file ${path} isn't ready: open it with openControl first.`,
    );
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Changes when another connection, of this process or another, has committed (https://sqlite.org/pragma.html#pragma_data_version). */
function dataVersion(db: Libsql.Database): number {
  const [row] = db.pragma('data_version') as [{ data_version: number }];
  return row.data_version;
}

type KeyRow = {
  key: string;
  project: string;
  source: string;
  eventsPerSecond: number | null;
  bytesPerSecond: number | null;
} & DoorSettings;

const LIVE_KEYS = `
  SELECT k.key, k.project, k.source, k.events_per_second AS eventsPerSecond, k.bytes_per_second AS bytesPerSecond,
    s.bots, s.ip, s.retention_days AS retentionDays, s.consent_category AS consentCategory
  FROM write_keys k JOIN projects p ON p.id = k.project JOIN settings s ON s.project = k.project
  WHERE k.revoked_at_ms IS NULL AND p.deleted_at_ms IS NULL`;

/** Keys of one project share one settings object, keys of one source their valves: the hot path may compare by identity. */
function readKeys(db: Libsql.Database): Map<string, WriteKeyGrant> {
  const settingsOf = new Map<string, DoorSettings>();
  const valvesOf = readValves(db);
  const keys = new Map<string, WriteKeyGrant>();
  for (const row of db.prepare(LIVE_KEYS).all() as KeyRow[]) {
    const { key, project, source, eventsPerSecond, bytesPerSecond, bots, ip, retentionDays, consentCategory } = row;
    const settings = settingsOf.get(project) ?? { bots, ip, retentionDays, consentCategory };
    settingsOf.set(project, settings);
    const valves = valvesOf(project, source);
    const grant = { project, source, limits: { eventsPerSecond, bytesPerSecond }, settings };
    keys.set(key, valves === undefined ? grant : { ...grant, valves });
  }
  return keys;
}
