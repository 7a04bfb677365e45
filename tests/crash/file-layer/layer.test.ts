import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { setFaults } from './faults.ts';
import { compileFileLayer, fileLayerEnv } from './layer.ts';

const layer = compileFileLayer();
if ('unavailable' in layer) console.warn(`SKIPPED: ${layer.unavailable}`);
const folder = mkdtempSync(join(tmpdir(), 'tidemark-layer-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(script: string, env: Record<string, string>): string {
  const result = spawnSync(process.execPath, ['-e', script], { env: { ...process.env, ...env }, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(result.stderr);
  return result.stdout.trim();
}

it.skipIf('unavailable' in layer)('fails the calls that the control file names, and only while it names them', () => {
  if ('unavailable' in layer) return;
  const root = join(folder, 'faults');
  for (const name of ['sick', 'well']) mkdirSync(join(root, name), { recursive: true });
  const faults = join(folder, 'control');
  setFaults(faults, []);
  const script = `
    const fs = require('node:fs');
    const attempt = (name, act) => { try { act(); return name + ' ok'; } catch (error) { return name + ' ' + error.code; } };
    const all = () => ['sick', 'sicker', 'well'].map((place) => {
      const file = ${JSON.stringify(root)} + '/' + place;
      fs.mkdirSync(file, { recursive: true });
      const fd = fs.openSync(file + '/a', 'a');
      const results = [attempt('write', () => fs.writeSync(fd, 'x')), attempt('sync', () => fs.fsyncSync(fd)),
        attempt('truncate', () => fs.ftruncateSync(fd, 0)), attempt('rename', () => fs.renameSync(file + '/a', file + '/b'))];
      fs.closeSync(fd);
      return place + ': ' + results.join(', ');
    });
    const rules = (text) => { fs.writeFileSync(${JSON.stringify(faults)} + '.2', text); fs.renameSync(${JSON.stringify(faults)} + '.2', ${JSON.stringify(faults)}); };
    const rounds = [all()];
    rules('ENOSPC ${root}/sick write\\n'); rounds.push(all());
    rules('EIO ${root}/sick sync,name\\n'); rounds[2] = attempt('open', () => fs.writeFileSync('${root}/sick/c', '')) ;
    rules(''); rounds.push(all());
    console.log(JSON.stringify(rounds));
  `;
  const [before, full, broken, after] = JSON.parse(run(script, fileLayerEnv(layer, { root, faults }))) as [string[], string[], string, string[]];
  const well = 'write ok, sync ok, truncate ok, rename ok';
  expect(before).toEqual([`sick: ${well}`, `sicker: ${well}`, `well: ${well}`]);
  expect(full).toEqual(['sick: write ENOSPC, sync ok, truncate ENOSPC, rename ok', `sicker: ${well}`, `well: ${well}`]);
  expect(broken).toBe('open EIO');
  expect(after).toEqual(before);
});

it.skipIf('unavailable' in layer)('journals bytes as they are', () => {
  if ('unavailable' in layer) return;
  const root = join(folder, 'journal');
  mkdirSync(root);
  const journal = join(folder, 'first.journal');
  run(`require('node:fs').writeFileSync(${JSON.stringify(join(root, 'a'))}, 'the very bytes')`, fileLayerEnv(layer, { root, journal }));
  expect(readFileSync(journal, 'utf8')).toContain('the very bytes');
});
