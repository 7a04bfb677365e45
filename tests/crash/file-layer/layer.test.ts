import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { differencesFromFolder } from './completeness.ts';
import { Disk, type DiskModel } from './disk.ts';
import { setFaults } from './faults.ts';
import { readJournal, type Journal } from './journal.ts';
import { compileFileLayer, fileLayerEnv } from './layer.ts';
import { writeDisk } from './power-loss.ts';

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

function journalled(name: string, script: string): Journal {
  if ('unavailable' in layer) throw new Error(layer.unavailable);
  const root = join(folder, name);
  const file = join(folder, `${name}.journal`);
  mkdirSync(root);
  const prelude = `
    const fs = require('node:fs');
    const at = (name) => ${JSON.stringify(root)} + '/' + name;
    const sync = (name) => { const fd = fs.openSync(at(name), 'r'); fs.fsyncSync(fd); fs.closeSync(fd); };
    const page = (letter) => Buffer.alloc(4096, letter);
  `;
  run(prelude + script, fileLayerEnv(layer, { root, journal: file }));
  return readJournal(file, root);
}

/** The folder as it may be at the end, once for each seed. */
function disks(journal: Journal, model: DiskModel, count = 150): string[] {
  const disk = new Disk(journal, model);
  disk.advance(journal.length);
  return Array.from({ length: count }, (_, seed) => {
    const path = join(mkdtempSync(join(folder, 'disk-')), 'root');
    mkdirSync(path);
    writeDisk(disk, path, seed);
    return path;
  });
}

const seen = (paths: readonly string[], name: string): Set<string> =>
  new Set(paths.map((path) => (existsSync(join(path, name)) ? readFileSync(join(path, name), 'latin1') : 'absent')));

it.skipIf('unavailable' in layer)('journals every way of changing files that Node has, so that nothing of the folder is missing', () => {
  const journal = journalled('ways', `
    fs.writeFileSync(at('a'), 'one');
    fs.appendFileSync(at('a'), ' two');
    fs.mkdirSync(at('deep/er'), { recursive: true });
    fs.copyFileSync(at('a'), at('deep/copy'));
    fs.renameSync(at('deep'), at('moved'));
    fs.linkSync(at('a'), at('moved/link'));
    fs.symlinkSync('a', at('symbolic'));
    fs.truncateSync(at('moved/copy'), 4);
    const fd = fs.openSync(at('b'), 'w+');
    fs.writeSync(fd, 'later', 8192);
    fs.writevSync(fd, [Buffer.from('x'), Buffer.from('yz')], 3);
    fs.ftruncateSync(fd, 8195);
    fs.closeSync(fd);
    fs.writeFileSync(at('gone'), '');
    fs.rmSync(at('gone'));
    fs.mkdirSync(at('void'));
    fs.rmSync(at('void'), { recursive: true });
    fs.writeFileSync(at('a'), 'anew');
    fs.promises.writeFile(at('c'), page('c')).then(() => fs.promises.rename(at('c'), at('d')));
  `);
  const disk = new Disk(journal, 'posix');
  disk.advance(journal.length);
  expect(differencesFromFolder(disk)).toEqual([]);
  expect(readFileSync(join(journal.root, 'moved/link'), 'utf8')).toBe('anew');
});

it.skipIf('unavailable' in layer)('keeps what was synced, with its name, and of the rest what it likes', () => {
  const journal = journalled('synced', `
    fs.writeFileSync(at('kept'), page('k')); sync('kept');
    fs.writeFileSync(at('nameless'), page('n')); sync('.'); sync('nameless');
    fs.writeFileSync(at('unsynced'), page('u'));
    fs.writeFileSync(at('old'), page('o')); sync('old'); sync('.');
    fs.renameSync(at('old'), at('new'));
    const fd = fs.openSync(at('kept'), 'r+'); fs.writeSync(fd, Buffer.alloc(512, 'K'), 0, 512, 1024); fs.closeSync(fd);
    fs.writeFileSync(at('last'), page('l')); sync('last');
  `);
  const paths = disks(journal, 'posix');
  const torn = Buffer.alloc(4096, 'k');
  torn.fill('K', 1024, 1536);
  expect(seen(paths, 'kept')).toEqual(new Set(['k'.repeat(4096), torn.toString('latin1')]));
  expect(seen(paths, 'nameless')).toEqual(new Set(['n'.repeat(4096)]));
  expect(seen(paths, 'last'), 'its folder was not synced').toEqual(new Set(['absent', 'l'.repeat(4096)]));
  const unsynced = seen(paths, 'unsynced');
  for (const state of ['', 'u'.repeat(4096), '\0'.repeat(4096)]) expect(unsynced).toContain(state);
  const cut = [...unsynced].filter((content) => content.length > 0 && content.length < 4096);
  expect(cut.length).toBeGreaterThan(0);
  for (const content of cut) expect(content.length % 512).toBe(0);
  // A rename is there or not.
  for (const path of paths) expect(existsSync(join(path, 'old'))).toBe(!existsSync(join(path, 'new')));
  expect(seen(paths, 'new')).toEqual(new Set(['absent', 'o'.repeat(4096)]));
});

it.skipIf('unavailable' in layer)('by the order of ext4, names come with the sync of a file behind them, and files have no holes', () => {
  const journal = journalled('ordered', `
    fs.writeFileSync(at('first'), page('f'));
    fs.mkdirSync(at('folder'));
    fs.renameSync(at('first'), at('second'));
    fs.writeFileSync(at('folder/synced'), page('s')); sync('folder/synced');
    fs.writeFileSync(at('folder/third'), page('t'));
    fs.writeFileSync(at('folder/fourth'), Buffer.concat([page('x'), page('y')]));
  `);
  const paths = disks(journal, 'ordered');
  for (const path of paths) {
    expect(existsSync(join(path, 'second')) && existsSync(join(path, 'folder/synced'))).toBe(true);
    if (existsSync(join(path, 'folder/fourth'))) expect(existsSync(join(path, 'folder/third'))).toBe(true);
  }
  expect(seen(paths, 'folder/synced')).toEqual(new Set(['s'.repeat(4096)]));
  expect(seen(paths, 'folder/fourth').size).toBeGreaterThan(2);
  for (const content of seen(paths, 'folder/fourth')) expect(content === 'absent' || ('x'.repeat(4096) + 'y'.repeat(4096)).startsWith(content)).toBe(true);
});

it.skipIf('unavailable' in layer)('a write through O_DSYNC is kept by itself', () => {
  const journal = journalled('dsync', `
    fs.writeFileSync(at('f'), Buffer.concat([page('a'), page('b')])); sync('f'); sync('.');
    const plain = fs.openSync(at('f'), 'r+'); fs.writeSync(plain, page('A'), 0, 4096, 0);
    const direct = fs.openSync(at('f'), fs.constants.O_RDWR | fs.constants.O_DSYNC); fs.writeSync(direct, page('B'), 0, 4096, 4096);
  `);
  const contents = seen(disks(journal, 'posix'), 'f');
  for (const content of contents) expect(content.slice(4096)).toBe('B'.repeat(4096));
  expect(contents).toContain('a'.repeat(4096) + 'B'.repeat(4096));
  expect(contents).toContain('A'.repeat(4096) + 'B'.repeat(4096));
});
