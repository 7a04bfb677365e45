/** Each check looks at one thing and says what it found; none changes anything. */
import { existsSync } from 'node:fs';
import { CommandProblem } from '../command.ts';
import { isRunning, serverUrl, withAccess } from '../client/access.ts';
import { send, sendForJson } from '../client/http.ts';
import { dataPathOf } from '../settings.ts';
import { StartProblem } from '../start-problem.ts';
import { formatOf } from '../start/data-format.ts';
import { freeBytes } from '../disk.ts';
import { MIN_FREE_BYTES, checkDataFolder } from '../start/preflight.ts';
import { readServerRecord } from '../start/server-record.ts';
import { readVersion } from '../version.ts';
import { checkDamage } from './damage.ts';
import type { Finding, Patient } from './finding.ts';

const TIMEOUT_MS = 10_000;
/** Acknowledged this long ago and not yet to be asked about: the processor does not keep up. */
const LONG_LAG_MS = 60_000;

/** In the order of how much the others rest on them. */
export const CHECKS: readonly ((patient: Patient) => Promise<Finding[]>)[] = [
  checkProgram,
  checkFolder,
  checkDamage,
  checkServer,
  checkPipeline,
];

async function checkProgram(): Promise<Finding[]> {
  return [
    ok('program', `Tidemark ${readVersion()} on Node ${process.versions.node}, ${process.platform} ${process.arch}.`),
  ];
}

async function checkFolder({ flags, env }: Patient): Promise<Finding[]> {
  if (flags.url !== undefined || env['TIDEMARK_URL']) return [];
  const dataPath = dataPathOf(flags.data, env);
  if (!existsSync(dataPath)) {
    return [
      {
        level: 'fault',
        subject: 'data folder',
        sentence: `There is no folder ${dataPath}.`,
        fix: 'run `tidemark start`, or give the folder with --data.',
      },
    ];
  }
  const findings: Finding[] = [];
  try {
    checkDataFolder(dataPath);
    const format = formatOf(dataPath);
    findings.push(
      format === undefined
        ? {
            level: 'warning',
            subject: 'data folder',
            sentence: `${dataPath} holds no data of Tidemark.`,
            fix: 'give the right folder with --data.',
          }
        : ok('data folder', `${dataPath} can be written and has format ${format}.`),
    );
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error;
    findings.push({ level: 'fault', subject: 'data folder', sentence: error.message, fix: error.fix });
  }
  const free = await freeBytes(dataPath);
  const sentence = `${(free / 1024 ** 3).toFixed(1)} GB are free on its disk.`;
  if (free >= 10 * MIN_FREE_BYTES) findings.push(ok('disk', sentence));
  else
    findings.push({
      level: free < MIN_FREE_BYTES ? 'fault' : 'warning',
      subject: 'disk',
      sentence,
      fix: 'free some, or set a retention.',
    });
  return findings;
}

async function checkServer({ flags, env, signal }: Patient): Promise<Finding[]> {
  const url = serverUrl(flags, env);
  const record = readServerRecord(dataPathOf(flags.data, env));
  try {
    const live = await send({ url: `${url}/livez`, signal, timeoutMs: TIMEOUT_MS });
    if (!live.ok)
      return [
        {
          level: 'fault',
          subject: 'server',
          sentence: `${url}/livez answers ${live.status}.`,
          fix: 'check that --url is a Tidemark server.',
        },
      ];
  } catch (error) {
    if (!(error instanceof CommandProblem)) throw error;
    const crashed =
      record && !isRunning(record.pid) ? ` Its process ${record.pid} was killed; what it accepted is in the log.` : '';
    return [{ level: 'fault', subject: 'server', sentence: error.message + crashed, fix: error.fix }];
  }
  const findings = [ok('server', `${url} takes events.`)];
  const ready = await send({ url: `${url}/readyz`, signal, timeoutMs: TIMEOUT_MS });
  if (ready.ok) findings.push(ok('questions', 'Every part is ready.'));
  else
    findings.push({
      level: 'fault',
      subject: 'questions',
      sentence: await detailOf(ready),
      fix: 'wait a moment if it was just started; else read its log.',
    });
  const local = flags.url === undefined && !env['TIDEMARK_URL'];
  if (local && record && record.version !== readVersion()) {
    findings.push({
      level: 'warning',
      subject: 'version',
      sentence: `The server that runs is Tidemark ${record.version}.`,
      fix: 'restart it to run the version installed here.',
    });
  }
  return findings;
}

async function detailOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return (JSON.parse(text) as { detail?: string }).detail ?? text;
  } catch {
    return `It answers ${response.status}.`;
  }
}

interface Pipeline {
  lag: { records: number; ms: number };
  freshness: { p99Ms: number };
  balance: { received: number; quarantined: number; difference: number };
}

async function checkPipeline({ flags, env, signal }: Patient): Promise<Finding[]> {
  let pipeline: Pipeline;
  try {
    pipeline = await withAccess(flags, env, ({ url, token }) =>
      sendForJson<Pipeline>({ url: `${url}/api/pipeline`, token, signal, timeoutMs: TIMEOUT_MS }),
    );
  } catch (error) {
    if (!(error instanceof CommandProblem)) throw error;
    return [{ level: 'warning', subject: 'pipeline', sentence: error.message, fix: error.fix }];
  }
  const { lag, balance } = pipeline;
  return [
    lag.ms > LONG_LAG_MS
      ? {
          level: 'warning',
          subject: 'lag',
          sentence: `${lag.records} events wait, the oldest for ${Math.round(lag.ms / 1000)} s.`,
          fix: 'look at `freshness` and the warehouse in GET /api/pipeline; the machine may be too small.',
        }
      : ok('lag', `${lag.records} events wait to be processed.`),
    balance.difference !== 0
      ? {
          level: 'fault',
          subject: 'balance',
          sentence: `${balance.difference} events are unaccounted for.`,
          fix: 'this is a fault of Tidemark: report it with the answer of GET /api/pipeline.',
        }
      : ok('balance', `All ${balance.received} events received are accounted for.`),
    ...quarantineFinding(balance),
  ];
}

function quarantineFinding({ received, quarantined }: Pipeline['balance']): Finding[] {
  if (quarantined === 0 || quarantined < received * 0.01) return [];
  const sentence = `${quarantined} of ${received} events were invalid.`;
  return [{ level: 'warning', subject: 'quarantine', sentence, fix: 'GET /api/quarantine says why, event by event.' }];
}

function ok(subject: string, sentence: string): Finding {
  return { level: 'ok', subject, sentence };
}
