/** Rows out of NDJSON or CSV, one at a time, a bad one told by its number and not the end of the rest. */
import type { Readable } from 'node:stream';
import { parse } from 'csv-parse';

export type Row = Record<string, unknown>;

/** `number` counts from 1: the line of an NDJSON file, the record of a CSV file (its header not counted). */
export type SourceRow = { number: number; row: Row } | { number: number; fault: string };

export type Format = 'ndjson' | 'csv';

/** An event may have 64 KB; whatever needs more than this for a row is no row of events. */
const MAX_ROW_BYTES = 1 << 20;

export function readRows(source: Readable, format: Format): AsyncGenerator<SourceRow> {
  return format === 'csv' ? readCsv(source) : readNdjson(source);
}

/** By its first character: JSON objects begin with a brace. */
export async function guessFormat(source: Readable): Promise<Format> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    const text = chunk
      .toString('utf8')
      .replace(/^\ufeff/, '')
      .trimStart();
    if (text !== '') {
      source.destroy();
      return text.startsWith('{') ? 'ndjson' : 'csv';
    }
  }
  return 'ndjson';
}

async function* readNdjson(source: Readable): AsyncGenerator<SourceRow> {
  let number = 0;
  for await (const line of splitLines(source)) {
    number++;
    if (line === undefined) {
      yield { number, fault: `The line is longer than ${MAX_ROW_BYTES} bytes.` };
    } else {
      const text = line.trim();
      if (text !== '') yield parseLine(text, number);
    }
  }
}

function parseLine(text: string, number: number): SourceRow {
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { number, row: value as Row };
    return { number, fault: 'The line is JSON but not an object.' };
  } catch (error) {
    return { number, fault: `The line is not JSON: ${(error as Error).message}.` };
  }
}

const NEWLINE = 10;

/** Lines without their ends; undefined for one over the limit, which is read past and never held. */
async function* splitLines(source: Readable): AsyncGenerator<string | undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  const take = (): string | undefined => {
    const line = length > MAX_ROW_BYTES ? undefined : Buffer.concat(parts).toString('utf8');
    parts = [];
    length = 0;
    return line;
  };
  const add = (part: Buffer): void => {
    length += part.length;
    if (length <= MAX_ROW_BYTES) parts.push(part);
    else parts = [];
  };
  for await (const chunk of source as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      yield take();
    }
    add(chunk.subarray(start));
  }
  if (length > 0) yield take();
}

async function* readCsv(source: Readable): AsyncGenerator<SourceRow> {
  // The parser runs ahead of us, so a bad record is put in its place by the line it ends on.
  const faults: { line: number; fault: string }[] = [];
  const parser = parse({
    bom: true,
    columns: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: MAX_ROW_BYTES,
    on_skip: (error) => void faults.push({ line: Number(error?.['lines'] ?? 0), fault: error?.message ?? 'The record is not CSV.' }),
    info: true,
  });
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  let number = 0;
  for await (const { info, record } of parser as AsyncIterable<{ info: { lines: number }; record: Row }>) {
    while (faults[0] && faults[0].line < info.lines) yield { number: ++number, fault: faults.shift()!.fault };
    yield { number: ++number, row: record };
  }
  for (const { fault } of faults) yield { number: ++number, fault };
}
