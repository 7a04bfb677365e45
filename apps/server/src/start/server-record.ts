/** `<data>/run/server.json`: where the running server listens, so that commands beside it find it. Holds no secret. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../start-problem.ts';

export interface ServerRecord {
  url: string;
  pid: number;
  version: string;
  /** RFC 3339. */
  startedAt: string;
}

export function writeServerRecord(dataPath: string, record: ServerRecord): void {
  writeFileSync(recordPath(dataPath), `${JSON.stringify(record)}\n`);
}

/** Undefined when no server has left a record here that can be read. One that was killed leaves its record behind. */
export function readServerRecord(dataPath: string): ServerRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(recordPath(dataPath), 'utf8')) as ServerRecord;
    return URL.canParse(record.url) && Number.isInteger(record.pid) && record.pid > 0 ? record : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR')
      return undefined;
    throw error;
  }
}

export function removeServerRecord(dataPath: string): void {
  rmSync(recordPath(dataPath), { force: true });
}

function recordPath(dataPath: string): string {
  return join(dataPath, 'run', 'server.json');
}
