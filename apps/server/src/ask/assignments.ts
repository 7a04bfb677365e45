/** Any field of a question as a word of the command line: `steps[0].event=view`, `collapse=false`, `hide[]=login`. */
import { CommandProblem } from '../command.ts';

type Key = string | number;
/** One more element of a list; no field is called so. */
const END = '[]';

/** `name`, or `name[0].name`, or `name[].name`: what problems call a field, with `[]` for one more element. */
const ASSIGNMENT = /^([A-Za-z]\w*(?:\.[A-Za-z]\w*|\[\d{0,3}\])*)=(.*)$/s;

/** The field's keys and its value, or undefined when a word is no assignment. */
function parseAssignment(word: string): { path: Key[]; value: unknown } | undefined {
  const [, field, written = ''] = ASSIGNMENT.exec(word) ?? [];
  if (field === undefined) return undefined;
  const path = [...field.matchAll(/\[(\d*)\]|\w+/g)].map(([whole, index]): Key => (index === undefined ? whole : index === '' ? END : Number(index)));
  return { path, value: valueOf(written) };
}

/** What reads as JSON is that, everything else a text. */
function valueOf(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch (error) {
    if (error instanceof SyntaxError) return written;
    throw error;
  }
}

/** Sets the field that a word names within a question. @throws CommandProblem */
export function assign(question: Record<string, unknown>, word: string): void {
  const assignment = parseAssignment(word);
  if (assignment === undefined) {
    throw new CommandProblem(`'${word}' is not a field of a question.`, 'write field=value, such as steps[0].event=purchase, or the whole question as JSON in single quotes.');
  }
  const { path, value } = assignment;
  let at: unknown = question;
  for (const [i, key] of path.entries()) {
    if (typeof at !== 'object' || at === null || Array.isArray(at) !== (typeof key === 'number' || key === END) || isTooFar(at, key)) {
      throw new CommandProblem(`'${word}' does not fit what was given before it.`, 'lists are counted from 0 without gaps, or written with [] for one more element.');
    }
    const held = at as Record<string | number, unknown>;
    const name = key === END ? (at as unknown[]).length : key;
    if (i === path.length - 1) held[name] = value;
    else if (!Object.hasOwn(held, name)) held[name] = typeof path[i + 1] === 'string' && path[i + 1] !== END ? {} : [];
    at = held[name];
  }
}

function isTooFar(at: object, key: Key): boolean {
  return typeof key === 'number' && Array.isArray(at) && key > at.length;
}
