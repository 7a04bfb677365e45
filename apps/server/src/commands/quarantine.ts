import { ACCESS_OPTIONS, ACCESS_USAGE, withAccess } from '../client/access.ts';
import { sendForJson } from '../client/http.ts';
import { CommandProblem, parseFlags } from '../command.ts';
import type { Command, Terminal } from '../command.ts';

const USAGE = `tidemark quarantine [list]: how many events are in quarantine, by reason, and the newest of them.
tidemark quarantine replay: lets in those that pass by now; asked again, nothing is let in twice.

  --code CODE         only those with this first reason
  --source ID, --event NAME, --app-version TEXT
  --from TIME, --to TIME    by when they were received: 2026-01-31T12:00:00Z, -1h, today
  --preview           replay: only say what would pass, and why the rest would not
  --patch JSON        replay: change each event first, such as '[{"op":"set","field":"eventName","value":"seen"}]'
                      (docs/protocol.md, R3)

${ACCESS_USAGE}`;

interface Listed {
  events: { receivedAt: string; eventId: string; eventName: string; code: string; detail: string }[];
  codes: { code: string; events: number }[];
}

interface Report {
  events: number;
  passed: number;
  duplicates: number;
  failed: { code: string; events: number; example: { eventId: string; field: string; detail: string } }[];
  nextCursor: string | null;
}

interface Server {
  url: string;
  token: string;
}

const SHOWN = 10;
const LOT = 5_000;

export const quarantineCommand: Command = {
  name: 'quarantine',
  summary: 'list refused events, and let in those that pass by now',
  usage: USAGE,
  async run(args, terminal) {
    const { values, positionals } = parseFlags('quarantine', {
      args,
      allowPositionals: true,
      options: {
        ...ACCESS_OPTIONS,
        code: { type: 'string' },
        source: { type: 'string' },
        event: { type: 'string' },
        'app-version': { type: 'string' },
        from: { type: 'string' },
        to: { type: 'string' },
        preview: { type: 'boolean' },
        patch: { type: 'string' },
      },
    });
    const [what = 'list', ...more] = positionals;
    if (!['list', 'replay'].includes(what) || more.length > 0) throw new CommandProblem(`There is no 'quarantine ${positionals.join(' ')}'.`, 'use `tidemark quarantine list` or `tidemark quarantine replay`.');
    const { code, source, event: eventName, 'app-version': appVersion, from, to } = values;
    const given = Object.entries({ code, source, eventName, appVersion, from, to }).flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]));
    const filter = Object.fromEntries(given);
    const patch = values.patch === undefined ? [] : patchOf(values.patch);
    return withAccess(values, terminal.env, (server) => (what === 'list' ? list(server, filter, terminal) : replay(server, { ...filter, patch, preview: values.preview ?? false }, terminal)));
  },
};

function patchOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandProblem(`--patch is not JSON: ${(cause as Error).message}.`, 'give a list of steps, in single quotes.', { cause });
  }
}

async function list({ url, token }: Server, filter: Record<string, string>, { out }: Terminal): Promise<number> {
  const query = new URLSearchParams({ ...filter, limit: String(SHOWN) });
  const { events, codes } = await sendForJson<Listed>({ url: `${url}/api/quarantine?${query}`, token });
  if (codes.length === 0) out('No such event is in quarantine.\n');
  for (const { code, events: count } of codes) out(`${String(count).padStart(10)}  ${code}\n`);
  if (events.length > 0) out('\nThe newest:\n');
  for (const { receivedAt, eventId, eventName, code, detail } of events) out(`${receivedAt}  ${printable(eventName || '(no name)')}  ${printable(eventId || '(no id)')}\n  ${code}: ${printable(detail)}\n`);
  return 0;
}

/** Lot by lot, until all were looked at. */
async function replay({ url, token }: Server, asked: { preview: boolean } & Record<string, unknown>, { out, signal }: Terminal): Promise<number> {
  const sums = { events: 0, passed: 0, duplicates: 0 };
  const failed = new Map<string, Report['failed'][number]>();
  for (let cursor: string | null | undefined; cursor !== null;) {
    const body = { ...asked, limit: LOT, ...(cursor === undefined ? {} : { cursor }) };
    const report: Report = await sendForJson<Report>({ url: `${url}/api/quarantine/replay`, method: 'POST', token, body, signal });
    for (const name of ['events', 'passed', 'duplicates'] as const) sums[name] += report[name];
    for (const each of report.failed) failed.set(each.code, { ...each, events: each.events + (failed.get(each.code)?.events ?? 0) });
    cursor = report.nextCursor;
  }
  const { events, passed, duplicates } = sums;
  const copies = duplicates === 0 ? '' : `, ${duplicates} of them copies of stored events`;
  out(`${passed} of ${events} events ${asked.preview ? 'would be let in' : 'were let in'}${copies}.\n`);
  for (const { code, events: count, example } of failed.values()) out(`${String(count).padStart(10)}  ${asked.preview ? 'would stay' : 'stay'}: ${code} (${printable(example.eventId || 'no id')}: ${printable(example.detail)})\n`);
  return 0;
}

/** What a sender wrote must not steer the terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ');
}
