/** What all drawings share: how a time is written, and how far an answer goes. */
import { figure } from './bars.ts';

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

/** The lines, and how far the answer goes. */
export function finish(lines: string[], meta: Meta): string {
  const provisional = meta.provisionalFrom ? `, may still change from ${meta.provisionalFrom}` : '';
  lines.push('', `  as of ${meta.asOf}${provisional}; ${figure(meta.rowsRead)} rows in ${figure(meta.elapsedMs)} ms`);
  return `${lines.join('\n')}\n`;
}
