/** What all drawings share: how a time is written, and how far an answer goes. */
import { counted, figure } from './bars.ts';

export interface Meta {
  asOf: string;
  completeThrough: string;
  provisionalFrom: string | null;
  rowsRead: number;
  elapsedMs: number;
}

/** `2026-05-03` for a midnight, `2026-05-03 14:00` otherwise. */
export function shortTime(time: string): string {
  const [date = time, clock = ''] = time.split('T');
  return clock.startsWith('00:00:00') || clock === '' ? date : `${date} ${clock.slice(0, 5)}`;
}

/** How far an answer goes. */
export function completeness({ asOf, provisionalFrom }: Pick<Meta, 'asOf' | 'provisionalFrom'>): string {
  return `  as of ${asOf}${provisionalFrom ? `, may still change from ${provisionalFrom}` : ''}`;
}

/** The lines, and how far the answer goes. */
export function finish(lines: string[], meta: Meta): string {
  lines.push('', `${completeness(meta)}; ${counted(meta.rowsRead, 'row')} in ${figure(meta.elapsedMs)} ms`);
  return `${lines.join('\n')}\n`;
}
