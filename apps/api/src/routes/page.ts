/** GET /: the first page. It holds no data; its script asks for it with a token. */
import type { FastifyInstance } from 'fastify';
import { pageHtml } from '../page.ts';
import { Problem } from '../problem.ts';
import { streamed } from '../schemas.ts';

export function pageRoutes(app: FastifyInstance, html: string | undefined = pageHtml()): void {
  app.route({
    method: 'GET',
    url: '/',
    config: { access: 'open' },
    schema: {
      operationId: 'getPage',
      summary: 'The first page',
      tags: ['operations'],
      response: { 200: streamed('HTML.', 'text/html') },
    },
    handler(_request, reply) {
      if (html === undefined)
        throw new Problem('not_found', 'This build has no page: run `npm start`, which builds it.');
      return reply
        .type('text/html; charset=utf-8')
        .headers({
          // What the page may run it says itself, by hashes; this only a header can say.
          'content-security-policy': "frame-ancestors 'none'",
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-cache',
        })
        .serializer((text: string) => text)
        .send(html);
    },
  });
}
