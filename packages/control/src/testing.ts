/** A control file in a temp folder, a clock that moves by hand and a generator that repeats itself, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Control } from './control.ts';
import { openControl } from './open-control.ts';
import type { ControlOptions } from './open-control.ts';

/** Path of a control file that isn't there yet; its folder goes when the test ends. */
export function temporaryControlPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-control-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'control', 'control.db');
}

export async function temporaryControl(options: ControlOptions & { path?: string } = {}): Promise<Control> {
  const control = await openControl(options.path ?? temporaryControlPath(), options);
  onTestFinished(() => control.close());
  return control;
}

/** A control store after its first start. `token` is the first token, an admin's. */
export async function withProject(): Promise<{ control: Control; project: string; token: string }> {
  const control = await temporaryControl();
  const { project, apiToken } = await control.ensureFirstProject();
  return { control, project, token: apiToken as string };
}

/** The error a promise rejects with; throws when it doesn't. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`expected a rejection, got ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}
