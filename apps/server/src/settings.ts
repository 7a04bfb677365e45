/** What the operator decides when starting: flags first, then environment, then the default. */
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { StartProblem } from './start-problem.ts';

export interface ServerSettings {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** Absolute path of the data folder. */
  dataPath: string;
  /** Where the engine listens for the collector. */
  engineSocketPath: string;
  /** Where the collector listens for the engine, which hands in what is replayed. */
  replaySocketPath: string;
  /** False lifts the rate limits of all keys. */
  rateLimits: boolean;
  /** True takes the sender's address from X-Forwarded-For: only behind a proxy that sets it. */
  trustProxy: boolean;
  logLevel: LogLevel;
  /** Segment's published script, which its snippet asks for; undefined: that address answers 404. */
  analyticsJsPath?: string | undefined;
  /** Free bytes on the log's disk below which events are refused. */
  diskReserveBytes: number;
  /** Caps of one question that are not the usual ones. */
  questionLimits: { memoryBytes?: number; timeoutMs?: number };
  /** Caps of one SQL query that are not the usual ones. */
  sqlLimits: { timeoutMs?: number; memoryBytes?: number; rowsToRead?: number; keepMs?: number };
  /** How often each job runs, in the place of its own interval; for tests. */
  jobsEveryMs?: number | undefined;
  /** Tells one start of the whole server from the next; the supervisor makes it. */
  startId?: string;
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

export interface StartFlags {
  host?: string | undefined;
  port?: string | undefined;
  data?: string | undefined;
  'log-level'?: string | undefined;
  'trust-proxy'?: boolean | undefined;
}

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 7070;
const DEFAULT_DATA = './data';
/** A landing file, a merge of a day's parts and the deletion of old ones fit into it, as long as nothing new comes. */
const DEFAULT_DISK_RESERVE_MB = 256;

/** A Unix socket's path must fit sun_path: 104 bytes on macOS, 108 on Linux, with the closing zero. */
const MAX_SOCKET_PATH_BYTES = 103;

/** @throws StartProblem `setting_invalid` naming the setting at fault */
export function readSettings(flags: StartFlags, env: NodeJS.ProcessEnv): ServerSettings {
  const dataPath = dataPathOf(flags.data, env);
  return {
    host: flags.host ?? (env['TIDEMARK_HOST'] || DEFAULT_HOST),
    port: portOf(flags.port ?? env['TIDEMARK_PORT']),
    dataPath,
    engineSocketPath: engineSocketPathOf(dataPath),
    replaySocketPath: socketPathOf(dataPath, 'replay', 'tidemark-replay'),
    rateLimits: onOff('TIDEMARK_RATE_LIMIT', env, true),
    trustProxy: flags['trust-proxy'] ?? onOff('TIDEMARK_TRUST_PROXY', env, false),
    logLevel: logLevelOf(flags['log-level'] ?? env['TIDEMARK_LOG_LEVEL']),
    analyticsJsPath: env['TIDEMARK_ANALYTICS_JS'] || undefined,
    diskReserveBytes: diskReserveOf(env['TIDEMARK_DISK_RESERVE_MB']),
    questionLimits: questionLimitsOf(env),
    sqlLimits: sqlLimitsOf(env),
    jobsEveryMs: jobsEveryOf(env['TIDEMARK_JOBS_EVERY_MS']),
  };
}

export function dataPathOf(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  return resolve(flag ?? (env['TIDEMARK_DATA'] || DEFAULT_DATA));
}

export function engineSocketPathOf(dataPath: string): string {
  return socketPathOf(dataPath, 'engine', 'tidemark');
}

/** Where the supervisor takes orders. */
export function supervisorSocketPathOf(dataPath: string): string {
  return socketPathOf(dataPath, 'supervisor', 'tidemark-supervisor');
}

/** Inside the data folder, unless the path would be too long for a socket. */
function socketPathOf(dataPath: string, role: string, prefix: string): string {
  const inside = join(dataPath, 'run', `${role}.sock`);
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH_BYTES) return inside;
  const name = createHash('sha256').update(dataPath).digest('hex').slice(0, 16);
  return join(tmpdir(), `${prefix}-${name}.sock`);
}

function portOf(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_PORT;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new StartProblem(
    'setting_invalid',
    `The port '${text}' is not a number from 0 to 65535.`,
    'give another with --port or TIDEMARK_PORT.',
  );
}

function logLevelOf(text: string | undefined): LogLevel {
  if (text === undefined || text === '') return 'warn';
  const level = LOG_LEVELS.find((each) => each === text);
  if (level) return level;
  throw new StartProblem('setting_invalid', `There is no log level '${text}'.`, `use one of ${LOG_LEVELS.join(', ')}.`);
}

function diskReserveOf(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_DISK_RESERVE_MB * 1024 ** 2;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1024 ** 2;
  throw new StartProblem(
    'setting_invalid',
    `TIDEMARK_DISK_RESERVE_MB is '${text}', which is not a number of MB.`,
    `set it to a whole number from 0, or unset it for ${DEFAULT_DISK_RESERVE_MB}.`,
  );
}

function questionLimitsOf(env: NodeJS.ProcessEnv): ServerSettings['questionLimits'] {
  const memoryBytes = limitOf('TIDEMARK_QUESTION_MEMORY_MB', env, { times: 1_000_000 });
  const timeoutMs = limitOf('TIDEMARK_QUESTION_TIMEOUT_SECONDS', env, { times: 1_000 });
  return { ...(memoryBytes !== undefined && { memoryBytes }), ...(timeoutMs !== undefined && { timeoutMs }) };
}

function sqlLimitsOf(env: NodeJS.ProcessEnv): ServerSettings['sqlLimits'] {
  const timeoutMs = limitOf('TIDEMARK_SQL_TIMEOUT_SECONDS', env, { times: 1_000 });
  const memoryBytes = limitOf('TIDEMARK_SQL_MEMORY_MB', env, { times: 1_000_000 });
  const rowsToRead = limitOf('TIDEMARK_SQL_ROWS_TO_READ', env);
  const keepMs = limitOf('TIDEMARK_SQL_KEEP_SECONDS', env, { times: 1_000, least: 0 });
  return { ...(timeoutMs !== undefined && { timeoutMs }), ...(memoryBytes !== undefined && { memoryBytes }), ...(rowsToRead !== undefined && { rowsToRead }), ...(keepMs !== undefined && { keepMs }) };
}

/** A whole number from `least`, `times` as large; undefined when it is not set. */
function limitOf(name: string, env: NodeJS.ProcessEnv, { times = 1, least = 1 }: { times?: number; least?: number } = {}): number | undefined {
  const text = env[name] ?? '';
  if (text === '') return undefined;
  if (/^\d{1,12}$/.test(text) && Number(text) >= least) return Number(text) * times;
  throw new StartProblem('setting_invalid', `${name} is '${text}', which is not a whole number.`, `set it to a whole number from ${least}, or unset it.`);
}

function jobsEveryOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{3,8}$/.test(text)) return Number(text);
  throw new StartProblem(
    'setting_invalid',
    `TIDEMARK_JOBS_EVERY_MS is '${text}', which is not a number of milliseconds from 100 to 99999999.`,
    'unset it: it is for tests.',
  );
}

function onOff(name: string, env: NodeJS.ProcessEnv, fallback: boolean): boolean {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  if (text === 'on' || text === 'off') return text === 'on';
  throw new StartProblem(
    'setting_invalid',
    `${name} is '${text}', but can only be 'on' or 'off'.`,
    `set ${name}=off or unset it.`,
  );
}
