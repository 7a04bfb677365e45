/** A line on the screen that is drawn over itself; where it can't be, a plain line now and then. */
import { bar, figure } from './ask/bars.ts';
import type { Terminal } from './command.ts';

export interface ProgressBar {
  /** `done` of `total` in any unit; `count` of what is being counted. */
  update(done: number, total: number, count: number): void;
  /** A sentence above the bar. */
  note(sentence: string): void;
  end(): void;
}

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 10_000;
const BAR_WIDTH = 24;

/** @param unit plural of what is counted, such as `rows` */
export function createProgressBar(
  terminal: Terminal,
  unit: string,
  now: () => number = () => performance.now(),
): ProgressBar {
  const startedAt = now();
  const intervalMs = terminal.redraws ? REDRAW_MS : PLAIN_LINE_MS;
  let drawnAt = startedAt;
  let line = '';
  const clear = (): void => {
    if (terminal.redraws && line !== '') terminal.err(`\r${' '.repeat(line.length)}\r`);
  };
  return {
    update(done, total, count) {
      if (now() - drawnAt < intervalMs) return;
      drawnAt = now();
      const seconds = (drawnAt - startedAt) / 1000;
      const share = total > 0 ? Math.min(1, done / total) : 0;
      const left = share > 0 && seconds > 2 ? `, ${lasting((seconds / share) * (1 - share))} left` : '';
      const rate = figure(Math.round(count / Math.max(seconds, 0.001)));
      clear();
      line = `  [${bar(share, BAR_WIDTH).padEnd(BAR_WIDTH)}] ${Math.floor(share * 100)} %  ${figure(count)} ${unit}, ${rate}/s${left}`;
      terminal.err(terminal.redraws ? line : `${line}\n`);
    },
    note(sentence) {
      clear();
      line = '';
      terminal.err(`  ${sentence}\n`);
    },
    end() {
      clear();
      line = '';
    },
  };
}

function lasting(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
