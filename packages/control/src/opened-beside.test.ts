import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openControl } from './open-control.ts';

it('a file that somebody writes to while it is opened is not taken for damaged', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-opened-beside-'));
  const path = join(folder, 'control.db');
  await (await openControl(path)).close();
  const writer = fork(new URL('./testing-busy-writer.mjs', import.meta.url), [path], { execArgv: [] });
  try {
    await once(writer, 'message');
    for (let opened = 0; opened < 60; opened++) {
      const control = await openControl(path);
      await control.close();
    }
  } finally {
    const gone = once(writer, 'exit');
    writer.kill('SIGKILL');
    await gone;
    rmSync(folder, { recursive: true });
  }
  expect(writer.exitCode).toBeNull();
});
