/** Who may call a route: everybody, or the holder of an API token, which belongs to one project. */
import type { ApiTokenGrant } from '@tidemark/control';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `token` when absent. `query-token` also takes `?token=`: EventSource can't send headers. */
    access?: 'open' | 'token' | 'query-token';
    /** What an open route asks for by itself, for /openapi.json. */
    credentials?: 'token or write key';
    /** Schema of a body that the handler checks itself, for /openapi.json. */
    describedBody?: object;
    /** Status -> schema of an answer that is described closer than it needs to be to be written, for /openapi.json. */
    describedAnswers?: Record<string, object>;
    /** Left out of /openapi.json. */
    undocumented?: boolean;
    /** How long an answer takes says nothing about how fast we are. */
    longLived?: boolean;
  }
  interface FastifyRequest {
    grant: ApiTokenGrant | null;
  }
}

/** What the API needs of the control store to know a caller. */
export interface TokenAuthority {
  authenticateToken(token: string): ApiTokenGrant | undefined | Promise<ApiTokenGrant | undefined>;
}

/** Authenticates every route that is not open, before its body is read. */
export function guardAccess(app: FastifyInstance, authority: TokenAuthority): void {
  app.decorateRequest('grant', null);
  app.addHook('onRequest', async (request) => {
    const access = request.routeOptions.config?.access ?? 'token';
    if (access === 'open' || request.is404) return;
    const token = tokenOf(request);
    const grant = token === undefined ? undefined : await authority.authenticateToken(token);
    if (grant === undefined) throw unauthorized(token !== undefined);
    request.grant = grant;
  });
}

/** The caller of a guarded route. */
export function grantOf(request: FastifyRequest): ApiTokenGrant {
  if (request.grant === null) throw new Error(`${request.routeOptions.url} is open: it has no caller`);
  return request.grant;
}

/** The caller of a route that is about every project. `why`: half a sentence that says so. Throws the problem `forbidden`. */
export function adminOf(request: FastifyRequest, why: string): { project: string; actor: string } {
  const { admin, project, tokenId } = grantOf(request);
  if (!admin) throw new Problem('forbidden', `${why} takes an admin token: the first start prints one.`);
  return { project, actor: tokenId };
}

/** The API token that the request carries where its route takes it. */
export function tokenOf(request: FastifyRequest): string | undefined {
  const inQuery = request.routeOptions.config?.access === 'query-token' ? queryToken(request) : undefined;
  return bearerToken(request.headers.authorization) ?? inQuery;
}

/** The token of an `Authorization: Bearer` header; the scheme's case doesn't matter (RFC 9110, 11.1). */
export function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined || header.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  const token = header.slice(7).trim();
  return token === '' ? undefined : token;
}

function queryToken(request: FastifyRequest): string | undefined {
  const { token } = request.query as { token?: unknown };
  return typeof token === 'string' && token !== '' ? token : undefined;
}

/** `given`: there was a token, but a wrong one. */
export function unauthorized(given: boolean): Problem {
  const detail = given
    ? 'The API token is not known or was revoked: make a new one, or look whether it belongs to this server.'
    : 'Send an API token as `Authorization: Bearer <token>`; the first start prints one.';
  const challenge = given ? 'Bearer realm="tidemark", error="invalid_token"' : 'Bearer realm="tidemark"';
  return new Problem('unauthorized', detail, { headers: { 'www-authenticate': challenge } });
}
