/** Reads the whole log against its checksums, which a start does only where somebody still needs it. */
import { existsSync } from 'node:fs';
import { checkLog, checkPositions } from '@tidemark/log';
import { isRunning } from '../client/access.ts';
import { dataFolders } from '../data-folder.ts';
import { dataPathOf } from '../settings.ts';
import { readableOf } from '../start/damaged-log.ts';
import { readServerRecord } from '../start/server-record.ts';
import type { Finding, Patient } from './finding.ts';

/** Nothing for a server elsewhere, nor for one that runs: it writes to these files, and looked at them when it started. */
export async function checkDamage({ flags, env }: Patient): Promise<Finding[]> {
  if (flags.url !== undefined || env['TIDEMARK_URL']) return [];
  const dataPath = dataPathOf(flags.data, env);
  const { log, positions } = dataFolders(dataPath);
  const record = readServerRecord(dataPath);
  if (!existsSync(log) || (record !== undefined && isRunning(record.pid))) return [];
  const check = checkLog(log);
  if (check === undefined) return [];
  const findings: Finding[] = check.faults.map((fault) => ({
    level: 'fault',
    subject: 'log',
    sentence: `It is damaged: ${fault}. ${readableOf(check)}`,
    fix: 'see "Damage" in docs/operating.md.',
  }));
  const bytes = check.topics.events.checkedBytes + check.topics.quarantine.checkedBytes;
  if (findings.length === 0) findings.push({ level: 'ok', subject: 'log', sentence: `All of its records hold their checksums (${(bytes / 1e6).toFixed(1)} MB).` });
  const [fault] = checkPositions(positions).faults;
  if (fault !== undefined) findings.push({ level: 'warning', subject: 'positions', sentence: `They are damaged: ${fault}.`, fix: 'start: they are found again in the stores.' });
  return findings;
}
