/** Valves as the collector looks at them: by project and source, in memory. */
import type Libsql from 'libsql';
import type { ValveRule } from './control.ts';
import type { Valve } from './valves.ts';

type ValveRow = Omit<Valve, 'reason' | 'createdAtMs' | 'createdBy'> & { project: string };

const LIVE_VALVES = `
  SELECT id, project, app_version AS appVersion, event_name AS eventName, source, action, ratio, expires_at_ms AS expiresAtMs
  FROM valves WHERE deleted_at_ms IS NULL ORDER BY created_at_ms, id`;

/** Reads all valves; what it answers gives those of one source, oldest first, as one array for all its keys. */
export function readValves(db: Libsql.Database): (project: string, source: string) => readonly ValveRule[] | undefined {
  const rows = db.prepare(LIVE_VALVES).all() as ValveRow[];
  if (rows.length === 0) return () => undefined;
  const known = new Map<string, readonly ValveRule[] | undefined>();
  return (project, source) => {
    const key = `${project}\0${source}`;
    if (!known.has(key)) {
      const own = rows.filter((row) => row.project === project && (row.source === null || row.source === source));
      known.set(key, own.length === 0 ? undefined : own.map(toValveRule));
    }
    return known.get(key);
  };
}

/** The source is left out: whoever asks has chosen by it. */
export function toValveRule(valve: Omit<ValveRow, 'project' | 'source'>): ValveRule {
  const { id, appVersion, eventName, action, ratio, expiresAtMs } = valve;
  return {
    id,
    ...(appVersion === null ? {} : { appVersion }),
    ...(eventName === null ? {} : { eventName }),
    action,
    ratio,
    ...(expiresAtMs === null ? {} : { expiresAtMs }),
  };
}
