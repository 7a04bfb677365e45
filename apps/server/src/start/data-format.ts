/** The data folder says which format it is in; an older one is migrated step by step, a newer one left alone. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { StartProblem } from '../start-problem.ts';

export interface FormatStep {
  /** The format that the folder is in once the step has run. */
  to: number;
  /** Says what changes, shown while it runs. */
  sentence: string;
  /** Must be repeatable: a step that was cut short runs again. */
  run(dataPath: string): Promise<void> | void;
}

interface FormatFile {
  format: number;
  /** Version of Tidemark that made the folder. */
  createdBy: string;
  createdAt: string;
}

const FORMAT_FILE = 'format.json';
/** Stands in a data folder while a backup is restored into it. */
export const RESTORE_MARK = 'restore.unfinished';
/** Format 1 is the first; each later one adds its step here. */
const STEPS: readonly FormatStep[] = [];

/**
 * Makes the folder if need be and brings it to this version's format. Call it with the folder locked.
 * @returns the sentences of the steps taken
 * @throws StartProblem `data_foreign`, `data_newer`, `data_format_unreadable` or `restore_unfinished`
 */
export async function prepareFormat(
  dataPath: string,
  version: string,
  steps: readonly FormatStep[] = STEPS,
): Promise<string[]> {
  const current = 1 + steps.length;
  if (existsSync(join(dataPath, RESTORE_MARK))) {
    throw new StartProblem(
      'restore_unfinished',
      `The data folder ${dataPath} was being restored from a backup, and that was cut short.`,
      'run `tidemark restore` again: it begins anew.',
    );
  }
  const found = readFormat(dataPath);
  if (!found) {
    refuseForeign(dataPath);
    writeFormat(dataPath, { format: current, createdBy: version, createdAt: new Date().toISOString() });
    return [];
  }
  if (found.format > current) {
    throw new StartProblem(
      'data_newer',
      `The data folder ${dataPath} has format ${found.format}; this version of Tidemark knows formats up to ${current}.`,
      'start it with the newer version of Tidemark that wrote it, or give another folder with --data.',
    );
  }
  const due = steps.filter((step) => step.to > found.format);
  for (const step of due) {
    await step.run(dataPath);
    writeFormat(dataPath, { ...found, format: step.to });
  }
  return due.map((step) => step.sentence);
}

/** The format that this version works with. */
export function currentFormat(): number {
  return 1 + STEPS.length;
}

/** The folder's format number; undefined when it carries none. */
export function formatOf(dataPath: string): number | undefined {
  return readFormat(dataPath)?.format;
}

function readFormat(dataPath: string): FormatFile | undefined {
  const path = join(dataPath, FORMAT_FILE);
  if (!existsSync(path)) return undefined;
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as FormatFile;
    if (Number.isInteger(value.format) && value.format >= 1) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new StartProblem(
    'data_format_unreadable',
    `The file ${path} does not say which format the data has.`,
    'restore it from a backup; a folder made by this version has {"format":1}.',
  );
}

/** Our files must not end up between somebody else's. A new disk's own entries are no obstacle. */
function refuseForeign(dataPath: string): void {
  const foreign = readdirSync(dataPath).filter(
    (name) => name !== 'run' && name !== 'lost+found' && !name.startsWith('.'),
  );
  if (foreign.length === 0) return;
  throw new StartProblem(
    'data_foreign',
    `The folder ${dataPath} holds files that are not Tidemark's (${foreign.slice(0, 3).join(', ')}).`,
    'give an empty or a new folder with --data.',
  );
}

/** Written aside, synced, then renamed: after a power cut the file is the old one or the new one. */
function writeFormat(dataPath: string, value: FormatFile): void {
  mkdirSync(dataPath, { recursive: true });
  const path = join(dataPath, FORMAT_FILE);
  const file = openSync(`${path}.next`, 'w', 0o644);
  try {
    writeSync(file, `${JSON.stringify(value, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.next`, path);
  const folder = openSync(dataPath, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
