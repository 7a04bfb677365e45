/** Draws answers that count people: sessions over time, paths step by step, the size of a cohort; and people themselves. */
import { barRows, clip, counted, duration, figure, percent } from './bars.ts';
import { finish, shortTime, type Meta } from './draw.ts';
import { groupName, tableRows } from './draw-tables.ts';

interface Visits {
  sessions: number;
  users: number;
  medianSeconds: number | null;
  p90Seconds: number | null;
  eventsPerSession: number;
  pagesPerSession: number;
  bounceRate: number;
}

export type SessionsAnswer = Visits & { points: { time: string; value: number }[]; breakdowns: (Visits & { breakdown: string[] })[]; meta: Meta };

/** The sessions of each bucket as a bar, and what they are like as a row a group. */
export function drawSessions({ points, breakdowns, meta, ...whole }: SessionsAnswer, width: number): string {
  const rowOf = (name: string, visits: Visits): string[] => [
    name, figure(visits.sessions), figure(visits.users), duration(visits.medianSeconds), duration(visits.p90Seconds), figure(visits.eventsPerSession), figure(visits.pagesPerSession), percent(visits.bounceRate),
  ];
  return finish(
    [
      ...barRows(points.map(({ time, value }) => ({ label: shortTime(time), value })), width),
      '',
      ...tableRows([['', 'sessions', 'people', 'median', 'p90', 'events', 'pages', 'bounced'], rowOf('all', whole), ...breakdowns.map((group) => rowOf(groupName(group.breakdown), group))]),
    ],
    meta,
  );
}

interface Flow {
  users: number;
  truncated: number;
  nodes: { step: number; node: string; kind: string; users: number }[];
  links: { step: number; from: string; fromKind: string; to: string; toKind: string; users: number }[];
}

export type PathsAnswer = Flow & { breakdowns: (Flow & { breakdown: string[] })[]; meta: Meta };

const MAX_NEXT = 3;

/** The nodes of each step as bars, and below each where most people go from it. */
export function drawPaths({ breakdowns, meta, ...whole }: PathsAnswer, width: number): string {
  const lines = drawFlow(whole, width);
  for (const { breakdown, ...own } of breakdowns) lines.push('', groupName(breakdown), ...drawFlow(own, width));
  return finish(lines, meta);
}

function drawFlow({ users, truncated, nodes, links }: Flow, width: number): string[] {
  // What is no event stands in brackets, lest an event of that name be mistaken for it.
  const nameOf = (name: string, kind: string): string => (kind === 'event' ? name : `(${name})`);
  const bars = nodes.length === 0 ? [] : barRows(nodes.map(({ step, node, kind, users: there }) => ({ label: `${step} ${nameOf(node, kind)}`, value: there })), width);
  const drawn = bars.flatMap((line, i) => {
    const { step, node, kind } = nodes[i]!;
    const out = links.filter((link) => link.step === step && link.from === node && link.fromKind === kind);
    const most = out.slice(0, MAX_NEXT).map((link) => `${clip(nameOf(link.to, link.toKind), 40)} ${figure(link.users)}`);
    return out.length === 0 ? [line] : [line, `      → ${[...most, ...(out.length > MAX_NEXT ? ['…'] : [])].join(', ')}`];
  });
  return [...drawn, `  ${counted(users, 'person', 'people')}; ${figure(truncated)} ${truncated === 1 ? 'goes' : 'go'} on behind the last step`];
}

export interface CohortAnswer {
  size: number;
  of: number;
  share: number;
  breakdowns: { breakdown: string[]; size: number }[];
  meta: Meta;
}

export function drawCohort({ size, of, share, breakdowns, meta }: CohortAnswer, width: number): string {
  const groups = breakdowns.length === 0 ? [] : ['', ...barRows(breakdowns.map((group) => ({ label: group.breakdown.join(' · '), value: group.size })), width)];
  return finish([`${figure(size)} of ${counted(of, 'person', 'people')} (${percent(share)})`, ...groups], meta);
}

export interface PeopleAnswer {
  people: { personId: string; anonymousIds: string[]; lastSeen: string | null }[];
  total: number;
  nextCursor: string | null;
  meta: Meta;
}

/** The people behind a number, a row each, and how to see more of them. */
export function drawListed({ people, total, nextCursor, meta }: PeopleAnswer): string {
  const rows = people.map(({ personId, anonymousIds, lastSeen }) => [clip(personId, 60), figure(anonymousIds.length), lastSeen === null ? '-' : lastSeen.slice(0, 19).replace('T', ' ')]);
  const more = nextCursor === null ? [] : ['', `There are more: --cursor ${nextCursor}`];
  return finish([counted(total, 'person', 'people'), '', ...tableRows([['', 'devices', 'last seen'], ...rows]), ...more], meta);
}
