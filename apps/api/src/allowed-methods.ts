import type { FastifyInstance } from 'fastify';

/** Remembers every route that is added to `app` from now on; answers which methods an address takes, if it is one of theirs. */
export function recordMethods(app: FastifyInstance): (path: string) => string[] {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const methods = Array.isArray(method) ? method : [method];
    const known = routes.find(({ pattern }) => pattern.source === patternOf(url).source);
    if (known === undefined) routes.push({ pattern: patternOf(url), methods: [...methods] });
    else known.methods.push(...methods);
  });
  return (path) => {
    const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return [...new Set(methods)].toSorted();
  };
}

/** `/api/valves/:id` takes what has one more part there. */
function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)));
  return new RegExp(`^${parts.join('/')}$`);
}
