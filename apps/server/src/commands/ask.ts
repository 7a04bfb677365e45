import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { drawExperiment } from '../ask/draw-experiment.ts';
import type { ExperimentAnswer } from '../ask/draw-experiment.ts';
import { drawFunnel } from '../ask/draw-funnel.ts';
import type { FunnelAnswer } from '../ask/draw-funnel.ts';
import { drawCohort, drawListed, drawPaths, drawSessions } from '../ask/draw-people.ts';
import type { CohortAnswer, PathsAnswer, PeopleAnswer, SessionsAnswer } from '../ask/draw-people.ts';
import { drawTrend } from '../ask/draw-trend.ts';
import type { TrendAnswer } from '../ask/draw-trend.ts';
import { drawTimeline } from '../ask/draw-timeline.ts';
import type { TimelineAnswer } from '../ask/draw-timeline.ts';
import { drawAttribution, drawRetention, drawRows } from '../ask/draw-tables.ts';
import type { AttributionAnswer, RetentionAnswer, RowsAnswer } from '../ask/draw-tables.ts';
import { QUESTION_OPTIONS, buildQuestion } from '../ask/question.ts';
import { requestOf } from '../ask/request.ts';
import { ACCESS_OPTIONS, ACCESS_USAGE, withAccess } from '../client/access.ts';
import type { Access } from '../client/access.ts';
import { sendForJson } from '../client/http.ts';
import { CommandProblem, parseFlags } from '../command.ts';
import type { Command } from '../command.ts';
import { systemCode } from '../start-problem.ts';

const USAGE = `tidemark ask: a question, answered in the terminal.

  tidemark ask trend --event purchase --measure users --last 7d --by properties.platform
  tidemark ask funnel --steps view_product,add_to_cart,purchase --window 24h --last 30d
  tidemark ask retention --start signup --return purchase --period week --last 60d
  tidemark ask attribution --conversion purchase --value properties.price --last 30d
  tidemark ask timeline USER --last 1h
  tidemark ask paths after.event=view_product steps=4 hide[]=login --last 7d
  tidemark ask sessions gap=10m --by context.os
  tidemark ask experiment exposure.event=saw_price metrics[].event=purchase
  tidemark ask cohort all[].did=purchase
  tidemark ask sql 'query=SELECT event_name, count() FROM events GROUP BY 1'
  tidemark ask trend '{"series":[{"event":"purchase"}],"range":"yesterday"}'
  tidemark ask funnel --name checkout --last 30d
  tidemark ask funnel --steps add_to_cart,purchase --people cell.step=2 cell.outcome=dropped

Every kind of question takes every field that the API has (docs/questions.md), in the API's own words:
  FIELD=VALUE          after.event=login, steps[0].event=view, hide[]=login (one more of a list), 'group=[{…}]';
                       a value that reads as JSON is that, so limit=3 is a number and 'event="3"' a text
  '{…}'                the whole question as JSON; FIELD=VALUE lies over it, and the flags below over both
  --question FILE      the same from a file; - is standard input
  --name NAME          the question saved under it, over another time if given; version=2 for an older one
  --people             who is behind a number of the answer: cell.step=2 names it, pageSize=20, --cursor for the next page

For the most common ones there are flags:

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
      options: { ...ACCESS_OPTIONS, ...QUESTION_OPTIONS, question: { type: 'string' }, name: { type: 'string' }, people: { type: 'boolean' }, cursor: { type: 'string' }, json: { type: 'boolean' } },
    });
    const [kind, ...words] = positionals;
    if (kind === undefined) throw new CommandProblem('What is the question?', 'see `tidemark ask --help`.');
    if (kind === 'timeline' && words.length > 1) throw new CommandProblem(`'${words[1]}' is one word too many.`, 'a timeline is of one person.');
    const { name, people, cursor } = values;
    if (kind === 'timeline' && (name !== undefined || people)) throw new CommandProblem('A timeline is no question that can be saved, nor of several people.', 'leave --name and --people away.');
    const [json, fields] = await wordsOf(words, values.question);
    if (name !== undefined && json !== undefined) throw new CommandProblem('The question is given twice.', 'name a saved question with --name, or say it here.');

    const answer = await withAccess(values, terminal.env, (access) => {
      if (kind === 'timeline') return askTimeline(access, words[0], values, terminal.signal);
      const question = buildQuestion(kind, name === undefined ? json : '{}', fields, values);
      if (question['format'] !== undefined) throw new CommandProblem('A file is not drawn in the terminal.', 'leave format away, or ask the API for the file: POST /api/analytics/sql.');
      return sendForJson<unknown>({ ...requestOf({ kind, question, name, people, cursor }, access), signal: terminal.signal });
    });
    terminal.out(values.json ? `${JSON.stringify(answer, null, 2)}\n` : people ? drawListed(answer as PeopleAnswer) : draw(kind, answer, terminal.width));
    return 0;
  },
};

/** The question's JSON, if there is any, and its FIELD=VALUEs. */
async function wordsOf(words: readonly string[], file: string | undefined): Promise<[json: string | undefined, fields: readonly string[]]> {
  const isJson = words[0]?.trimStart().startsWith('{') === true;
  if (file === undefined) return isJson ? [words[0], words.slice(1)] : [undefined, words];
  if (isJson) throw new CommandProblem('The question is given twice.', 'write it as JSON or name its file with --question.');
  try {
    return [await (file === '-' ? text(process.stdin) : readFile(file, 'utf8')), words];
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new CommandProblem(`The question can't be read from ${file}: ${(error as Error).message}.`, 'name a file that holds the question as JSON, or - for standard input.', { cause: error });
  }
}

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
    case 'sessions':
      return drawSessions(answer as SessionsAnswer, width);
    case 'paths':
      return drawPaths(answer as PathsAnswer, width);
    case 'cohort':
      return drawCohort(answer as CohortAnswer, width);
    case 'experiment':
      return drawExperiment(answer as ExperimentAnswer);
    case 'sql':
      return drawRows(answer as RowsAnswer);
    default:
      return `${JSON.stringify(answer, null, 2)}\n`;
  }
}
