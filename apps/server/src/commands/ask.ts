import { drawFunnel, drawTimeline, drawTrend } from '../ask/draw.ts';
import type { FunnelAnswer, TimelineAnswer, TrendAnswer } from '../ask/draw.ts';
import { drawAttribution, drawRetention } from '../ask/draw-tables.ts';
import type { AttributionAnswer, RetentionAnswer } from '../ask/draw-tables.ts';
import { QUESTION_OPTIONS, buildQuestion } from '../ask/question.ts';
import { ACCESS_OPTIONS, ACCESS_USAGE, withAccess } from '../client/access.ts';
import type { Access } from '../client/access.ts';
import { sendForJson } from '../client/http.ts';
import { CommandProblem, parseFlags } from '../command.ts';
import type { Command } from '../command.ts';

const USAGE = `tidemark ask: a question, answered in the terminal.

  tidemark ask trend --event purchase --measure users --last 7d --by properties.platform
  tidemark ask funnel --steps view_product,add_to_cart,purchase --window 24h --last 30d
  tidemark ask retention --start signup --return purchase --period week --last 60d
  tidemark ask attribution --conversion purchase --value properties.price --last 30d
  tidemark ask timeline USER --last 1h
  tidemark ask trend '{"series":[{"event":"purchase"}],"range":"yesterday"}'      the API's own words

  --event NAME         trend: what to count; again for another series
  --measure MEASURE    trend: events, users, sessions, sum:properties.price, avg:…, p90:… (default events)
  --granularity NAME   trend: minute, hour, day, week or month
  --formula TEXT       trend: such as A/B;  --compare previous
  --steps A,B,C        funnel: its events in order;  --window 24h;  --order ordered, strict or any
  --start NAME, --return NAME                       retention: absent = any event;
                       --period day, week or month;  --entry recurring;  --mode on_or_after
  --conversion NAME    attribution: what people are brought to;  --value PROPERTY it is worth;  --lookback 30d
  --by PROPERTY        break down by it; again for a second;  --limit NUMBER of groups
  --where CONDITION    such as 'properties.price>=10', context.os=iOS, 'properties.plan~pro' (contains),
                       'properties.coupon is_set'; again for another that must hold too
  --last 7d, --range yesterday, --from and --to TIME, --timezone Europe/Berlin
  --include-bots       count bots too
  --limit, --cursor, --order asc|desc               timeline
  --json               the answer as the API gives it

${ACCESS_USAGE}`;

export const askCommand: Command = {
  name: 'ask',
  summary: 'ask a question and draw the answer',
  usage: USAGE,
  async run(args, terminal) {
    const { values, positionals } = parseFlags('ask', {
      args,
      allowPositionals: true,
      options: { ...ACCESS_OPTIONS, ...QUESTION_OPTIONS, cursor: { type: 'string' }, json: { type: 'boolean' } },
    });
    const [kind, argument, ...more] = positionals;
    if (kind === undefined) throw new CommandProblem('What is the question?', 'see `tidemark ask --help`.');
    if (more.length > 0)
      throw new CommandProblem(`'${more[0]}' is one word too many.`, 'put the JSON of a question in single quotes.');

    const answer = await withAccess(values, terminal.env, (access) => {
      if (kind === 'timeline') return askTimeline(access, argument, values, terminal.signal);
      const body = buildQuestion(kind, argument, values);
      const { url, token } = access;
      const path = `/api/analytics/${encodeURIComponent(kind)}`;
      return sendForJson<unknown>({ url: url + path, method: 'POST', token, body, signal: terminal.signal });
    });
    terminal.out(values.json ? `${JSON.stringify(answer, null, 2)}\n` : draw(kind, answer, terminal.width));
    return 0;
  },
};

interface TimelineFlags {
  last?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  limit?: string | undefined;
  order?: string | undefined;
  cursor?: string | undefined;
}

function askTimeline(
  { url, token }: Access,
  user: string | undefined,
  flags: TimelineFlags,
  signal: AbortSignal,
): Promise<unknown> {
  if (user === undefined)
    throw new CommandProblem('Whose timeline?', 'give an id of the person: `tidemark ask timeline u456`.');
  const query = new URLSearchParams();
  for (const name of ['from', 'to', 'limit', 'order', 'cursor'] as const) {
    const value = flags[name];
    if (value !== undefined) query.set(name, value);
  }
  if (flags.last !== undefined) query.set('from', `-${flags.last}`);
  return sendForJson({ url: `${url}/api/users/${encodeURIComponent(user)}/timeline?${query}`, token, signal });
}

function draw(kind: string, answer: unknown, width: number): string {
  switch (kind) {
    case 'trend':
      return drawTrend(answer as TrendAnswer, width);
    case 'funnel':
      return drawFunnel(answer as FunnelAnswer, width);
    case 'retention':
      return drawRetention(answer as RetentionAnswer);
    case 'attribution':
      return drawAttribution(answer as AttributionAnswer);
    case 'timeline':
      return drawTimeline(answer as TimelineAnswer, width);
    default:
      return `${JSON.stringify(answer, null, 2)}\n`;
  }
}
