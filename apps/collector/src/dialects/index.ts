/** Which dialect a path is spoken in. */
import type { Dialect } from './dialect.ts';
import { jitsu } from './jitsu.ts';
import { posthog } from './posthog.ts';
import { segment, segmentPixel } from './segment.ts';

const DIALECTS: readonly Dialect[] = [segment, segmentPixel, jitsu, posthog];
const BY_PATH = new Map(DIALECTS.flatMap((dialect) => dialect.paths.map((path) => [path, dialect] as const)));

/** `path` without its trailing slash. */
export function dialectOf(path: string): Dialect | undefined {
  const exact = BY_PATH.get(path);
  if (exact !== undefined) return exact;
  return DIALECTS.find(({ prefixes }) => prefixes?.some((prefix) => path.startsWith(prefix)));
}
