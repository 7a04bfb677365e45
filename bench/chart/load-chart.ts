/**
 * The chart of docs/performance.md: what becomes of an offered load. Above, events a second that are acknowledged and
 * that reach the stores; below, how long an answer takes. Both over the same axis.
 */
import type { OfferedLoad } from '../measures/overload.ts';
import { linear, logarithmic, type Scale } from './scale.ts';
import { dot, line, series, text, type Point } from './svg.ts';

const WIDTH = 820;
const LEFT = 84;
const RIGHT = 778;
const RATES = { top: 96, bottom: 320 };
const LATENCIES = { top: 376, bottom: 546 };
const HEIGHT = 606;

const STYLE = `
  text { font: 13px system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; fill: #1f2933; }
  .title { font-size: 17px; font-weight: 600; } .quiet { fill: #52606d; font-size: 12px; } .axis { font-weight: 600; font-size: 12.5px; }
  .card { fill: #ffffff; stroke: #d3dae1; } .grid { stroke: #e4e9ee; } .base { stroke: #7b8794; }
  .offered { stroke: #8a95a1; stroke-dasharray: 2 4; stroke-width: 1.6; fill: none; }
  .line { fill: none; stroke-width: 2.4; stroke-linejoin: round; } .dot { stroke: #ffffff; stroke-width: 1.2; }
  path.accepted { stroke: #2a6fdb; } .dot.accepted { fill: #2a6fdb; } path.p50 { stroke: #7c3aed; } .dot.p50 { fill: #7c3aed; }
  path.stored { stroke: #0d8a6a; } .dot.stored { fill: #0d8a6a; } path.p99 { stroke: #c2410c; } .dot.p99 { fill: #c2410c; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6ebf0; } .quiet { fill: #a3afbb; } .card { fill: #14191f; stroke: #303942; } .grid { stroke: #252d36; } .base { stroke: #6b7783; }
    .offered { stroke: #84909c; } .dot { stroke: #14191f; }
    path.accepted { stroke: #6ea8fe; } .dot.accepted { fill: #6ea8fe; } path.p50 { stroke: #b197fc; } .dot.p50 { fill: #b197fc; }
    path.stored { stroke: #3ecf9f; } .dot.stored { fill: #3ecf9f; } path.p99 { stroke: #fb923c; } .dot.p99 { fill: #fb923c; }
  }`;

export interface LoadChart {
  points: readonly OfferedLoad[];
  /** What the server sustains end to end, events/s. */
  sustainedEventsPerSecond: number;
  /** Machine and date, below the title. */
  subtitle: string;
}

export function loadChart({ points, sustainedEventsPerSecond, subtitle }: LoadChart): string {
  const offered = points.map((point) => point.offeredEventsPerSecond);
  const x = linear(Math.max(...offered), LEFT, RIGHT);
  const rates = points.flatMap(({ acceptedEventsPerSecond, storedEventsPerSecond = 0 }) => [acceptedEventsPerSecond, storedEventsPerSecond]);
  const y = linear(Math.max(...rates), RATES.bottom, RATES.top);
  const ms = logarithmic(Math.max(0.1, Math.min(...points.map(({ latency }) => latency.p50Ms))), Math.max(...points.map(({ latency }) => latency.p99Ms)), LATENCIES.bottom, LATENCIES.top);
  const at = (scale: Scale, value: (point: OfferedLoad) => number | undefined): Point[] =>
    points.flatMap((point) => {
      const found = value(point);
      return found === undefined ? [] : [[x.place(point.offeredEventsPerSecond), scale.place(found)] as const];
    });
  const topRate = y.ticks.at(-1)!;
  const sustainedX = x.place(sustainedEventsPerSecond);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title summary">`,
    `<title id="title">Events per second and latency over offered load</title>`,
    `<desc id="summary">Sustained end to end: ${thousands(sustainedEventsPerSecond)} events per second. Offered up to ${thousands(Math.max(...offered))}.</desc>`,
    `<style>${STYLE}\n</style>`,
    `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="8" class="card"/>`,
    text([24, 32], 'What becomes of an offered load', 'title'),
    text([24, 52], subtitle, 'quiet'),
    ...y.ticks.flatMap((tick) => [line([LEFT, y.place(tick)], [RIGHT, y.place(tick)], tick === 0 ? 'base' : 'grid'), text([LEFT - 8, y.place(tick) + 4], thousands(tick), 'quiet', END)]),
    ...ms.ticks.flatMap((tick, index) => [
      line([LEFT, ms.place(tick)], [RIGHT, ms.place(tick)], index === 0 ? 'base' : 'grid'),
      text([LEFT - 8, ms.place(tick) + 4], tick >= 1000 ? `${tick / 1000} s` : `${tick} ms`, 'quiet', END),
    ]),
    ...x.ticks.map((tick) => text([x.place(tick), LATENCIES.bottom + 20], thousands(tick), 'quiet', MIDDLE)),
    text([(LEFT + RIGHT) / 2, LATENCIES.bottom + 42], 'offered load, events/s (open loop)', 'axis', MIDDLE),
    text([24, (RATES.top + RATES.bottom) / 2], 'events/s', 'axis', `${MIDDLE} transform="rotate(-90 24 ${(RATES.top + RATES.bottom) / 2})"`),
    text([24, (LATENCIES.top + LATENCIES.bottom) / 2], 'time to the answer', 'axis', `${MIDDLE} transform="rotate(-90 24 ${(LATENCIES.top + LATENCIES.bottom) / 2})"`),
    line([x.place(0), y.place(0)], [x.place(Math.min(topRate, x.ticks.at(-1)!)), y.place(Math.min(topRate, x.ticks.at(-1)!))], 'offered'),
    ...[RATES, LATENCIES].map(({ top, bottom }) => line([sustainedX, top], [sustainedX, bottom], 'base')),
    text([sustainedX + 6, RATES.bottom - 8], `sustained ${thousands(sustainedEventsPerSecond)}/s`, 'quiet'),
    series(at(y, (point) => point.acceptedEventsPerSecond), 'accepted', 'round'),
    series(at(y, (point) => point.storedEventsPerSecond), 'stored', 'square'),
    series(at(ms, ({ latency }) => latency.p50Ms), 'p50', 'round'),
    series(at(ms, ({ latency }) => latency.p99Ms), 'p99', 'square'),
    legend(RATES.top - 16, [
      ['accepted', 'round', 'acknowledged, durable'],
      ['stored', 'square', 'stored, deduplicated, queryable'],
      ['offered', 'round', 'as offered'],
    ]),
    legend(LATENCIES.top - 16, [
      ['p50', 'round', 'p50, from when a batch was due'],
      ['p99', 'square', 'p99'],
    ]),
    '</svg>\n',
  ].join('\n');
}

const END = ' text-anchor="end"';
const MIDDLE = ' text-anchor="middle"';

function legend(y: number, entries: readonly (readonly [className: string, marker: 'round' | 'square', label: string])[]): string {
  let x = LEFT;
  return entries
    .map(([className, marker, label]) => {
      const from = x;
      x += 46 + label.length * 7.2;
      const key = className === 'offered' ? line([from, y - 4], [from + 24, y - 4], 'offered') : `<path d="M${from} ${y - 4}h24" class="line ${className}"/>${dot([from + 12, y - 4], className, marker)}`;
      return `${key}${text([from + 30, y], label, 'quiet')}`;
    })
    .join('\n');
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en');
}
