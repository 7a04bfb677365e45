/** Draws a timeline in a terminal, an event a line. */
import { clip } from './bars.ts';
import { completeness } from './draw.ts';

export interface TimelineAnswer {
  events: {
    timestamp: string;
    eventName: string;
    source?: string;
    bot?: boolean;
    properties?: Record<string, unknown>;
  }[];
  nextCursor?: string | null;
  meta: { asOf: string; provisionalFrom: string | null };
}

export function drawTimeline({ events, nextCursor, meta }: TimelineAnswer, width: number): string {
  if (events.length === 0) return `No events in this range.\n\n${completeness(meta)}\n`;
  const names = events.map((event) => clip(event.eventName, 32));
  const nameWidth = Math.max(...names.map((each) => each.length));
  const lines = events.map((event, index) => {
    const properties = Object.entries(event.properties ?? {}).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    const start = `  ${event.timestamp.replace('T', ' ').replace('Z', '')}  ${names[index]!.padEnd(nameWidth)}  `;
    return (start + clip(properties.join(' '), Math.max(20, width - start.length))).trimEnd();
  });
  if (nextCursor) lines.push('', `There are more: --cursor ${nextCursor}`);
  lines.push('', completeness(meta));
  return `${lines.join('\n')}\n`;
}
