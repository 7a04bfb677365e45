/** As much of SVG as a chart of lines needs. Colours are classes, so that one file suits a light and a dark page. */
export type Point = readonly [x: number, y: number];

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

export function text(at: Point, content: string, className: string, extra = ''): string {
  return `<text x="${fixed(at[0])}" y="${fixed(at[1])}" class="${className}"${extra}>${escapeText(content)}</text>`;
}

export function line([x1, y1]: Point, [x2, y2]: Point, className: string): string {
  return `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" class="${className}"/>`;
}

/** A line through `points` with a dot at each; the dots tell series apart where colours don't. */
export function series(points: readonly Point[], className: string, marker: 'round' | 'square'): string {
  const path = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${fixed(x)} ${fixed(y)}`).join('');
  return `<path d="${path}" class="line ${className}"/>${points.map((point) => dot(point, className, marker)).join('')}`;
}

export function dot([x, y]: Point, className: string, marker: 'round' | 'square'): string {
  return marker === 'round'
    ? `<circle cx="${fixed(x)}" cy="${fixed(y)}" r="3.5" class="dot ${className}"/>`
    : `<rect x="${fixed(x - 3.2)}" y="${fixed(y - 3.2)}" width="6.4" height="6.4" class="dot ${className}"/>`;
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
