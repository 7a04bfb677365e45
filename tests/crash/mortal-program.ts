/**
 * A program that kills itself (SIGKILL) at a step that it is told, and writes down what it has come to when it ends. Each
 * death happens in a copy of one folder.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleProgram } from '@tidemark/warehouse/testing';

export class MortalProgram<Facts> {
  /** Its bundle: `program data-folder facts-file [deadly step]`. */
  readonly path: string;
  readonly #folder: string;

  /** `folder`: for copies and facts. */
  static async bundle<Facts>(source: URL, folder: string): Promise<MortalProgram<Facts>> {
    const path = await bundleProgram(source);
    cpSync(new URL('../../packages/warehouse/src/migrations', import.meta.url), join(dirname(path), 'migrations'), { recursive: true });
    return new MortalProgram<Facts>(path, folder);
  }

  private constructor(path: string, folder: string) {
    this.path = path;
    this.#folder = folder;
  }

  /** Runs to its end; undefined when it was killed on its way. */
  run(data: string, deadly?: string): Facts | undefined {
    const facts = join(this.#folder, 'facts.json');
    rmSync(facts, { force: true });
    const { signal, status, stderr } = spawnSync(process.execPath, [this.path, data, facts, ...(deadly === undefined ? [] : [deadly])], { timeout: 150_000, encoding: 'utf8' });
    if (existsSync(facts)) return JSON.parse(readFileSync(facts, 'utf8')) as Facts;
    if (signal === 'SIGKILL' && deadly !== undefined) return undefined;
    throw new Error(`the program ended with ${signal ?? status}: ${stderr}`);
  }

  /**
   * Dies at each of the steps in a copy of `base`, now and then once more while it makes good what the first death left (which
   * may be over before its step comes), and gives what it comes to in the end. Throws when it is not killed.
   */
  *deaths(base: string, at: readonly string[], steps: readonly string[], random: () => number): Generator<{ facts: Facts | undefined; told: string }> {
    for (const step of at) {
      const data = this.copyOf(base, 'killed');
      if (this.run(data, step) !== undefined) throw new Error(`not killed at ${step}`);
      const again = random() < 0.5 ? steps[Math.floor(random() * steps.length)] : undefined;
      if (again !== undefined) this.run(data, again);
      yield { facts: this.run(data), told: `killed at ${step}${again === undefined ? '' : `, then at ${again}`}` };
      rmSync(data, { recursive: true, force: true });
    }
  }

  copyOf(from: string, name: string): string {
    const to = join(this.#folder, name);
    rmSync(to, { recursive: true, force: true });
    cpSync(from, to, { recursive: true });
    return to;
  }
}

/** Of the steps of a run `all`, so many at random, or the one of that name. */
export function deadlySteps(asked: string, steps: readonly string[], random: () => number): string[] {
  if (asked === 'all') return [...steps];
  if (Number.isNaN(Number(asked))) return [asked];
  const left = [...steps];
  return Array.from({ length: Math.min(left.length, Number(asked)) }, () => left.splice(Math.floor(random() * left.length), 1)[0]!);
}
