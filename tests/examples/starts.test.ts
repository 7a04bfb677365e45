/** What is there to be copied compiles: the start of each SDK's page, and the app that can't be run here. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '@tidemark/warehouse/testing';
import { afterAll, expect, it } from 'vitest';
import { ROOT } from '../architecture/sources.ts';

const APP = join(ROOT, 'examples/react-native');
// Below the repository, where its packages are found as in a customer's folder.
const folder = join(cacheFolder(), `starts-${process.pid}`);
mkdirSync(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the compiler says; '' when nothing is wrong. */
function check(project: string): string {
  return spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', project], { encoding: 'utf8' }).stdout;
}

function startsOf(sdk: string): string[] {
  const page = readFileSync(join(ROOT, 'sdks', sdk, 'README.md'), 'utf8');
  return [...page.matchAll(/^```ts\n([^]*?)^```/gm)].map(([, code]) => code!);
}

it('each start of an SDK compiles as it stands', () => {
  const sdks = ['browser', 'node', 'react-native'];
  for (const sdk of sdks) {
    const starts = startsOf(sdk);
    expect([sdk, starts.length]).not.toEqual([sdk, 0]);
    for (const [n, code] of starts.entries()) writeFileSync(join(folder, `${sdk}-${n}.ts`), code);
  }
  copyFileSync(join(APP, 'host-modules.d.ts'), join(folder, 'host-modules.d.ts'));
  const config = JSON.parse(readFileSync(join(APP, 'tsconfig.json'), 'utf8')) as { compilerOptions: object };
  const options = { ...config, extends: join(ROOT, 'tsconfig.json'), compilerOptions: { ...config.compilerOptions, types: ['node'] } };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
  expect(check(folder)).toBe('');
});

it('the React Native app compiles', () => {
  expect(check(APP)).toBe('');
});
