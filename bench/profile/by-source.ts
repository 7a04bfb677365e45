/** Which source files the time of a V8 CPU profile went to: the stages of an event, as folders tell the story. */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number } }[];
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

/** Microseconds by source (`packages/event/src/decode/decode.ts`, `node:http`, `(garbage collector)`), time idle left out. */
export function microsBySource(profile: CpuProfile, sourceOf = createSourceFinder()): Map<string, number> {
  const sources = new Map(profile.nodes.map(({ id, callFrame }) => [id, sourceOf(callFrame)]));
  const sums = new Map<string, number>();
  for (const [index, id] of profile.samples.entries()) {
    const source = sources.get(id) ?? '(unknown)';
    if (source === '(idle)') continue;
    sums.set(source, (sums.get(source) ?? 0) + (profile.timeDeltas[index] ?? 0));
  }
  return sums;
}

type CallFrame = CpuProfile['nodes'][number]['callFrame'];

/** Finds a frame's source through the source map beside its bundle. */
function createSourceFinder(): (frame: CallFrame) => string {
  const maps = new Map<string, SourceMap | undefined>();
  return ({ functionName, url, lineNumber, columnNumber }) => {
    // V8's own: (program), (garbage collector), (idle); and functions without a script, such as JSON.parse.
    if (url === '') return functionName.startsWith('(') ? functionName : `V8: ${functionName}`;
    if (!url.startsWith('file:')) return url;
    const path = fileURLToPath(url);
    if (!maps.has(path)) maps.set(path, readMap(`${path}.map`));
    const original = maps.get(path)?.findEntry(lineNumber, columnNumber);
    const source = original !== undefined && 'originalSource' in original ? original.originalSource : path;
    return shortened(source);
  };
}

function readMap(path: string): SourceMap | undefined {
  return existsSync(path) ? new SourceMap(JSON.parse(readFileSync(path, 'utf8')) as SourceMapPayload) : undefined;
}

function shortened(source: string): string {
  return /(?:(?:packages|apps)\/.*|node_modules\/(?:@[^/]+\/)?[^/]+)/.exec(source)?.[0] ?? source;
}
