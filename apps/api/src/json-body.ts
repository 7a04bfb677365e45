import type { FastifyInstance } from 'fastify';

/** JSON bodies as Fastify reads them, but for an empty one: clients name a Content-Type on calls that carry no body. */
export function parseJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  // text/plain too: nothing here takes plain text, and a page of another site can send it unasked.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body as string, done);
  });
}
