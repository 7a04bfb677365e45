/** Horizontal bars out of eighths of a block, and the numbers beside them. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** A bar of `share` (0 to 1) of `width` columns; anything over 0 shows at least a sliver. */
export function bar(share: number, width: number): string {
  if (!(share > 0)) return '';
  const eighths = Math.max(1, Math.round(Math.min(share, 1) * width * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

/** One column a value, from the least (or 0) to the greatest. */
export function sparkline(values: readonly number[]): string {
  const low = Math.min(0, ...values);
  const span = Math.max(...values) - low;
  return values.map((value) => LEVELS[span === 0 ? 0 : Math.round(((value - low) / span) * 7)]).join('');
}

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });

/** `12,345.67`. */
export function figure(value: number): string {
  return WHOLE.format(value);
}

/** `1 user`, `1,200 users`; several are one and an s, unless they are called otherwise. */
export function counted(value: number, one: string, several = `${one}s`): string {
  return `${figure(value)} ${value === 1 ? one : several}`;
}

/** `12.3 %`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** `45 s`, `3.5 min`, `2.1 h`, `4.0 d`; `-` for null. */
export function duration(seconds: number | null): string {
  if (seconds === null) return '-';
  if (seconds < 60) return `${figure(Math.round(seconds))} s`;
  if (seconds < 3_600) return `${(seconds / 60).toFixed(1)} min`;
  if (seconds < 86_400) return `${(seconds / 3_600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} d`;
}

/** Rows of `label  figure  bar`, the columns aligned, the bars taking what is left of `width`. */
export function barRows(rows: readonly { label: string; value: number; note?: string }[], width: number): string[] {
  const labels = rows.map((row) => clip(row.label, 40));
  const notes = rows.map((row) => row.note ?? figure(row.value));
  const labelWidth = Math.max(...labels.map((each) => each.length));
  const noteWidth = Math.max(...notes.map((each) => each.length));
  const greatest = Math.max(...rows.map((row) => row.value));
  const room = Math.max(10, Math.min(60, width - labelWidth - noteWidth - 6));
  return rows.map(({ value }, index) =>
    `  ${labels[index]!.padEnd(labelWidth)}  ${notes[index]!.padStart(noteWidth)}  ${bar(greatest > 0 ? value / greatest : 0, room)}`.trimEnd(),
  );
}

export function clip(text: string, width: number): string {
  const plain = printable(text);
  return plain.length <= width ? plain : `${plain.slice(0, width - 1)}…`;
}

/** Names of events come from outside: control characters must not reach the terminal. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are the point
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '·');
}
