/** Builds the file layer (shim/, C) and tells how a process is started over it. See README.md. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '@tidemark/warehouse/testing';

const SOURCES = fileURLToPath(new URL('shim/', import.meta.url));
const COMPILERS = ['cc', 'gcc', 'clang'];

export interface FileLayer {
  /** The shared library for LD_PRELOAD. */
  library: string;
}

/** The layer, built when its sources have changed; or a sentence why there can be none here. */
export function compileFileLayer(): FileLayer | { unavailable: string } {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { unavailable: `the file layer is for Linux on x64, and this is ${process.platform} on ${process.arch}.` };
  }
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  if (header.glibcVersionRuntime === undefined) return { unavailable: 'the file layer needs glibc, which this system has not.' };
  const compiler = COMPILERS.find((name) => spawnSync(name, ['--version']).status === 0);
  if (compiler === undefined) return { unavailable: `the file layer needs a C compiler (${COMPILERS.join(', ')}), and none is installed.` };
  const sources = readdirSync(SOURCES).toSorted().map((name) => join(SOURCES, name));
  const hash = createHash('sha256');
  for (const source of sources) hash.update(readFileSync(source));
  const library = join(cacheFolder(), `file-layer-${hash.digest('hex').slice(0, 16)}.so`);
  if (existsSync(library)) return { library };
  const partial = `${library}.${process.pid}`;
  const code = sources.filter((name) => name.endsWith('.c'));
  const built = spawnSync(compiler, ['-std=gnu11', '-O2', '-Wall', '-fPIC', '-shared', '-o', partial, ...code, '-ldl', '-lpthread'], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`${compiler} could not build the file layer:\n${built.stderr}`);
  renameSync(partial, library);
  return { library };
}

/**
 * Environment of a process whose changes below `root` (a folder that exists) are written to the file `journal`, or fail
 * as the file `faults` says; each may be left out. Children inherit it.
 */
export function fileLayerEnv(layer: FileLayer, { root, journal, faults }: { root: string; journal?: string; faults?: string }): Record<string, string> {
  return {
    LD_PRELOAD: layer.library,
    TIDEMARK_LAYER_ROOT: realpathSync(root),
    TIDEMARK_LAYER_JOURNAL: journal ?? '',
    TIDEMARK_LAYER_FAULTS: faults ?? '',
    // What goes through io_uring goes past the libc.
    UV_USE_IO_URING: '0',
  };
}
