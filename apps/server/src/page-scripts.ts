/** Scripts for pages without a bundler: our own, built beside the programs, and Segment's where the operator has it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StartProblem } from './start-problem.ts';

/** By path. @throws StartProblem `setting_invalid` when TIDEMARK_ANALYTICS_JS names no file that can be read */
export function readPageScripts(analyticsJsPath: string | undefined): ReadonlyMap<string, Buffer> {
  const scripts = new Map<string, Buffer>();
  const own = new URL('./sdk/tidemark.js', import.meta.url);
  if (existsSync(own)) scripts.set('/tidemark.js', readFileSync(own));
  if (analyticsJsPath !== undefined) {
    try {
      scripts.set('/analytics.js', readFileSync(analyticsJsPath));
      // Parts that it loads when a page wants them, such as for a mail's link; their names hold their version.
      const folder = dirname(analyticsJsPath);
      for (const name of readdirSync(folder))
        if (/\.bundle\.\w+\.js$/.test(name)) scripts.set(`/analytics-next/bundles/${name}`, readFileSync(join(folder, name)));
    } catch (error) {
      throw new StartProblem(
        'setting_invalid',
        `TIDEMARK_ANALYTICS_JS names ${analyticsJsPath}, which can't be read (${(error as Error).message}).`,
        'name dist/umd/standalone.js of the npm package @segment/analytics-next, or unset it.',
      );
    }
  }
  return scripts;
}
