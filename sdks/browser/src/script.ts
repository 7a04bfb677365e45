/**
 * The script of a page without a bundler, served by Tidemark itself:
 *
 *   <script>window.tidemark=window.tidemark||[]</script>
 *   <script async src="https://events.example.com/tidemark.js" data-write-key="WRITE_KEY" data-capture="all"></script>
 *
 * Until it is there, calls are pushed as lists, method first; then they are made, and `tidemark.track(…)` is the client.
 */
import { captureAll } from './capture/index.ts';
import { createTidemark } from './index.ts';
import type { TidemarkOptions } from './options.ts';

type Call = [method: string, ...args: unknown[]];
declare global {
  interface Window {
    tidemark?: unknown;
  }
}

const script = document.currentScript as HTMLScriptElement | null;
const { writeKey, host, capture, consent, debug } = script?.dataset ?? {};
if (script && writeKey) {
  const client = createTidemark({
    writeKey,
    host: host ?? new URL(script.src).origin,
    ...(consent && { consent: consent as NonNullable<TidemarkOptions['consent']> }),
    debug: debug !== undefined,
  });
  const calls = (Array.isArray(window.tidemark) ? window.tidemark : []) as Call[];
  const push = (...more: Call[]): void => {
    // Whatever was pushed: the page must not fall over it.
    for (const each of more) {
      if (!Array.isArray(each)) continue;
      const [method, ...args] = each;
      const call = Object.hasOwn(client, method) && (client as unknown as Record<string, unknown>)[method];
      if (typeof call === 'function') (call as (...given: unknown[]) => unknown)(...args);
    }
  };
  // Whoever still pushes is heard, too.
  window.tidemark = Object.assign(Object.create(client) as object, { push });
  push(...calls);
  if (capture === 'all') captureAll(client);
}
