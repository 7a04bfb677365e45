/** The chart of docs/performance.md on growth: how long the typical question of each kind takes over the events in the store. */
import type { GrowthPoint } from '../measures/growth.ts';
import { logarithmic } from './scale.ts';
import { dot, line, series, text, type Point } from './svg.ts';

const WIDTH = 820;
const LEFT = 84;
const RIGHT = 640;
const TOP = 84;
const BOTTOM = 430;
const HEIGHT = 490;
/** Of the lines, in the order of the kinds; on white and on black. */
const COLOURS = [
  ['#2a6fdb', '#6ea8fe'], ['#0d8a6a', '#3ecf9f'], ['#7c3aed', '#b197fc'], ['#c2410c', '#fb923c'],
  ['#be185d', '#f472b6'], ['#4d7c0f', '#a3e635'], ['#0e7490', '#22d3ee'], ['#6b7280', '#9ca3af'], ['#a16207', '#facc15'],
  ['#dc2626', '#f87171'],
] as const;
const LABEL_PX = 15;

export interface GrowthChart {
  points: readonly GrowthPoint[];
  /** Machine and date, below the title. */
  subtitle: string;
}

export function growthChart({ points, subtitle }: GrowthChart): string {
  const kinds = [...new Set(points.flatMap(({ oursMs }) => Object.keys(oursMs)))];
  const sizes = points.map(({ events }) => events);
  const times = points.flatMap(({ oursMs }) => Object.values(oursMs));
  const x = logarithmic(Math.min(...sizes), Math.max(...sizes), LEFT, RIGHT);
  const y = logarithmic(Math.min(...times), Math.max(...times), BOTTOM, TOP);
  const lines = kinds.map((kind, i) => {
    const at = points.flatMap(({ events, oursMs: { [kind]: ms } }): Point[] => (ms === undefined ? [] : [[x.place(events), y.place(ms)]]));
    return { kind, className: `kind${i % COLOURS.length}`, marker: i % 2 === 0 ? ('round' as const) : ('square' as const), at };
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title summary">`,
    `<title id="title">Time of a question over the events in the store</title>`,
    `<desc id="summary">${points.map(({ events, oursMs }) => `${millions(events)} million events: ${Object.entries(oursMs).map(([kind, ms]) => `${kind} ${Math.round(ms)} ms`).join(', ')}`).join('. ')}.</desc>`,
    `<style>${style(kinds.length)}\n</style>`,
    `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="8" class="card"/>`,
    text([24, 32], 'How questions grow with the store', 'title'),
    text([24, 52], subtitle, 'quiet'),
    ...y.ticks.flatMap((tick, index) => [line([LEFT, y.place(tick)], [RIGHT, y.place(tick)], index === 0 ? 'base' : 'grid'), text([LEFT - 8, y.place(tick) + 4], tick >= 1000 ? `${tick / 1000} s` : `${tick} ms`, 'quiet', ' text-anchor="end"')]),
    ...sizes.map((size) => text([x.place(size), BOTTOM + 20], `${millions(size)} M`, 'quiet', ' text-anchor="middle"')),
    text([(LEFT + RIGHT) / 2, BOTTOM + 44], 'events in the store', 'axis', ' text-anchor="middle"'),
    ...lines.map(({ at, className, marker }) => series(at, className, marker)),
    ...apart(lines).map(({ kind, className, marker, y: labelY }) => `${dot([RIGHT + 20, labelY - 4], className, marker)}${text([RIGHT + 30, labelY], kind, 'quiet')}`),
    '</svg>\n',
  ].join('\n');
}

/** The lines with a place for their names beside their ends, none upon another. */
function apart<Line extends { at: readonly Point[] }>(lines: readonly Line[]): (Line & { y: number })[] {
  let free = TOP;
  return lines
    .map((each) => ({ ...each, y: (each.at.at(-1)?.[1] ?? BOTTOM) + 4 }))
    .toSorted((a, b) => a.y - b.y)
    .map((each) => {
      const y = Math.max(each.y, free);
      free = y + LABEL_PX;
      return { ...each, y };
    });
}

/** Of so many lines. */
function style(lines: number): string {
  const of = (dark: 0 | 1): string => COLOURS.slice(0, lines).map(({ [dark]: colour }, i) => `path.kind${i} { stroke: ${colour}; } .dot.kind${i} { fill: ${colour}; }`).join(' ');
  return `
  text { font: 13px system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; fill: #1f2933; }
  .title { font-size: 17px; font-weight: 600; } .quiet { fill: #52606d; font-size: 12px; } .axis { font-weight: 600; font-size: 12.5px; }
  .card { fill: #ffffff; stroke: #d3dae1; } .grid { stroke: #e4e9ee; } .base { stroke: #7b8794; }
  .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; } .dot { stroke: #ffffff; stroke-width: 1.2; } ${of(0)}
  @media (prefers-color-scheme: dark) {
    text { fill: #e6ebf0; } .quiet { fill: #a3afbb; } .card { fill: #14191f; stroke: #303942; } .grid { stroke: #252d36; } .base { stroke: #6b7783; }
    .dot { stroke: #14191f; } ${of(1)}
  }`;
}

function millions(events: number): string {
  return String(Number((events / 1e6).toPrecision(3)));
}
