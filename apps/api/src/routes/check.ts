/** POST /api/events/check: what would be stored of an event, and why not. Stores nothing. */
import { toOutput, traceQuery } from '@tidemark/analytics';
import { toValveRule } from '@tidemark/control';
import type { DoorSettings, ValveRule } from '@tidemark/control';
import { stopByValve } from '@tidemark/pipeline';
import type { RequestFacts } from '@tidemark/pipeline';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { bearerToken, unauthorized } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';
import { explained, Refusal } from '../refusals.ts';
import { OutputEventShape } from '../schemas.ts';
import { toTimelineRow } from '../stored-event.ts';
import { keyOf } from '../write-key.ts';

const Checked = Type.Object({
  eventId: Type.String(),
  outcome: Type.Unsafe<'stored' | 'duplicate' | 'quarantined' | 'filtered' | 'rejected'>({
    type: 'string',
    enum: ['stored', 'duplicate', 'quarantined', 'filtered', 'rejected'],
    description: 'What would become of the event, if it were sent now.',
  }),
  wouldStore: Type.Boolean(),
  event: Type.Optional(Type.Object(OutputEventShape.properties, { description: 'What would be stored.' })),
  reasons: Refusal.properties.reasons,
});
type Checked = Static<typeof Checked>;
const CheckedBatch = Type.Object({ results: Type.Array(Checked) });

/** Each is looked up by its id: a check is for a person who tries things out. */
const MAX_EVENTS = 100;

interface Sender {
  project: string;
  source: string;
  settings: DoorSettings;
  valves?: readonly ValveRule[];
}

export function checkRoutes(app: FastifyInstance, deps: ApiDeps): void {
  // In a scope of its own: bodies here are judged by content and never by Content-Type, as at the collector's door.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
      try {
        done(null, JSON.parse(body as string));
      } catch (cause) {
        done(new Problem('invalid_json', `The body is not JSON: ${(cause as Error).message}.`, { cause }));
      }
    });
    scope.route({
      method: 'POST',
      url: '/api/events/check',
      config: { access: 'open', credentials: 'token or write key' },
      schema: {
        operationId: 'checkEvent',
        summary: 'What would be stored of an event (or of a batch {"events": […]}), and why not; stores nothing',
        description: 'Takes an API token, or a write key in any way in which the collector does.',
        tags: ['ingest'],
        response: { 200: Type.Union([Checked, CheckedBatch]) },
      },
      async handler(request) {
        const body = request.body as { events?: unknown; sentAt?: unknown } | null;
        const sender = await senderOf(request, deps);
        const facts = factsOf(request, sender, deps.clock());
        if (!Array.isArray(body?.events)) return check(body, facts, deps);
        if (body.events.length > MAX_EVENTS) {
          throw new Problem('invalid_value', `Check at most ${MAX_EVENTS} events at once.`);
        }
        const results: Checked[] = [];
        for (const event of body.events) results.push(await check(event, { ...facts, sentAt: body.sentAt }, deps));
        return { results };
      },
    });
  });
}

async function check(value: unknown, facts: RequestFacts, { admission, warehouse }: ApiDeps): Promise<Checked> {
  const admitted =
    stopByValve(value, facts, () => Buffer.from(JSON.stringify(value))) ?? admission.admit(value, facts);
  switch (admitted.kind) {
    case 'quarantine':
      return {
        eventId: admitted.eventId,
        outcome: 'quarantined',
        wouldStore: false,
        reasons: admitted.faults.map(explained),
      };
    case 'reject':
      return {
        eventId: admitted.eventId,
        outcome: 'rejected',
        wouldStore: false,
        reasons: [explained(admitted.fault)],
      };
    case 'filter': {
      const detail =
        admitted.reason === 'bot' ? 'The project drops the events of bots.' : 'The person did not consent.';
      const reasons = [{ field: 'context.userAgent', code: admitted.reason, detail }];
      return { eventId: admitted.eventId, outcome: 'filtered', wouldStore: false, reasons };
    }
    case 'store': {
      const event = toOutput(toTimelineRow(admitted.event));
      const { eventId } = event;
      const known = await traceQuery(eventId, { project: facts.project, warehouse });
      if (known === undefined) return { eventId, outcome: 'stored', wouldStore: true, event, reasons: [] };
      const detail = `An event with this id was received at ${known.event.receivedAt}: the first copy stays.`;
      return {
        eventId,
        outcome: 'duplicate',
        wouldStore: false,
        event,
        reasons: [{ field: 'eventId', code: 'duplicate', detail }],
      };
    }
  }
}

/** Who sends: the holder of an API token, or whoever has a write key. */
async function senderOf(request: FastifyRequest, { control, keys }: ApiDeps): Promise<Sender> {
  const token = bearerToken(request.headers.authorization);
  const grant = token === undefined ? undefined : await control.authenticateToken(token);
  if (grant !== undefined) {
    const { project } = grant;
    const [settings, valves] = await Promise.all([control.settings.get(project), control.valves.list(project)]);
    // Those of one source only don't concern somebody who sends by none.
    return { project, source: 'check', settings, valves: valves.filter(({ source }) => source === null).map(toValveRule) };
  }
  const key = keyOf(request.headers.authorization, request.query, request.body);
  const found = key === undefined ? undefined : keys.find(key);
  if (found === undefined) throw unauthorized(token !== undefined || key !== undefined);
  return found;
}

function factsOf(request: FastifyRequest, { project, source, settings, valves }: Sender, receivedAtMs: number): RequestFacts {
  const { headers } = request;
  const forwarded = headers['x-forwarded-for'];
  return {
    project,
    source,
    settings,
    valves,
    receivedAtMs,
    sentAt: undefined,
    // Believed as it stands: it only tells the caller about itself.
    ip: typeof forwarded === 'string' ? forwarded.split(',', 1)[0]?.trim() : undefined,
    userAgent: headers['user-agent'],
    fromBrowser: headers.origin !== undefined || headers['sec-fetch-site'] !== undefined,
  };
}
