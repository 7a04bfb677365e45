/** JSON over HTTP to a Tidemark server, its problem documents turned into the command's words. */
import { CommandProblem } from '../command.ts';

export interface Request {
  url: string;
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  timeoutMs?: number;
}

const TIMEOUT_MS = 120_000;

/** Sends it and returns the response whatever its status. @throws CommandProblem when nobody answers */
export async function send(request: Request): Promise<Response> {
  const { url, method = 'GET', token, body, headers = {}, signal, timeoutMs = TIMEOUT_MS } = request;
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await fetch(url, {
      method,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    const { origin } = new URL(url);
    if (timeout.aborted) {
      throw new CommandProblem(`${origin} did not answer within ${timeoutMs / 1000} s.`, 'look at `tidemark doctor`.', {
        cause,
      });
    }
    throw new CommandProblem(
      `No server answers at ${origin}.`,
      'start one with `tidemark start`, or give its address with --url.',
      { cause },
    );
  }
}

/** Sends it and returns the answer's JSON. @throws CommandProblem for an answer that is a problem */
export async function sendForJson<T>(request: Request): Promise<T> {
  const response = await send(request);
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

interface ProblemDocument {
  title?: string;
  detail?: string;
  code?: string;
  errors?: { field: string; detail: string }[];
}

async function problemOf(response: Response): Promise<CommandProblem> {
  const text = await response.text();
  const document = parse(text);
  const { status } = response;
  if (!document)
    return new CommandProblem(
      `The server answered ${status}: ${text.slice(0, 200)}`,
      'check that --url is a Tidemark server.',
    );
  const faults = (document.errors ?? []).map(({ field, detail }) => `${field ? `${field}: ` : ''}${detail}`);
  const sentence =
    faults.length > 0 ? faults.join('\n  ') : (document.detail ?? document.title ?? `The server answered ${status}.`);
  return new CommandProblem(sentence, fixFor(status, document.code));
}

function parse(text: string): ProblemDocument | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function fixFor(status: number, code = 'unknown'): string {
  if (status === 401) return 'give an API token of this server with --token, or a new one from `tidemark token`.';
  if (status === 503) return 'try again in a moment; `tidemark doctor` shows what is away.';
  return `docs/api.md explains \`${code}\`.`;
}
