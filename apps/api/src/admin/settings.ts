import { ChannelRules, checkChannelRules, isNameable } from '@tidemark/analytics';
import type { ProjectSettings } from '@tidemark/control';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import type { AdminDeps } from './deps.ts';
import { Problem } from '../problem.ts';
import { administratorOf, ProjectId } from './own-project.ts';

/** Each makes rollups of its own of every quarter of an hour. */
const MAX_ROLLUP_PROPERTIES = 8;

const Changes = Type.Object(
  {
    bots: Type.Optional(
      Type.Unsafe<'flag' | 'drop'>({
        type: 'string',
        enum: ['flag', 'drop'],
        description: '`flag`: events of bots are stored with a flag. `drop`: they are counted as filtered, not stored.',
      }),
    ),
    ip: Type.Optional(
      Type.Unsafe<'drop' | 'truncate' | 'keep'>({
        type: 'string',
        enum: ['drop', 'truncate', 'keep'],
        description: 'What is kept of addresses once the country is known: nothing, the network, all.',
      }),
    ),
    retentionDays: Type.Optional(
      Type.Unsafe<number | null>({
        type: ['integer', 'null'],
        minimum: 1,
        maximum: 36_500,
        description: 'Days that events are kept; null = for ever. Older events that arrive are quarantined.',
      }),
    ),
    quarantineDays: Type.Optional(
      Type.Unsafe<number | null>({
        type: ['integer', 'null'],
        minimum: 1,
        maximum: 36_500,
        description: 'Days after their receipt that quarantined items are kept; null = for ever. Their counts stay.',
      }),
    ),
    consentCategory: Type.Optional(
      Type.Unsafe<string | null>({
        type: ['string', 'null'],
        minLength: 1,
        maxLength: 200,
        description: 'Events whose `context.consent.categoryPreferences` denies this category are counted as filtered, not stored; null = they are stored.',
      }),
    ),
    rollups: Type.Optional(
      Type.Object(
        {
          properties: Type.Array(Type.String({ minLength: 1, maxLength: 200, description: 'As `properties.item`.' }), {
            maxItems: MAX_ROLLUP_PROPERTIES,
            uniqueItems: true,
            description: 'Trends by one of these are answered from rollups, too; history is counted by a new one at once.',
          }),
        },
        { additionalProperties: false, description: 'What is counted ahead.' },
      ),
    ),
    channels: Type.Optional(ChannelRules),
  },
  { additionalProperties: false, minProperties: 1, description: 'Settings that are not given stay as they are.' },
);
const Settings = Type.Required(Changes);
type Shown = Static<typeof Settings>;

const tags = ['administration'];

export function settingsRoutes(app: FastifyInstance, { control, warehouse }: AdminDeps): void {
  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/api/projects/:id/settings',
    schema: {
      operationId: 'getSettings',
      summary: 'Settings of a project',
      tags,
      params: ProjectId,
      response: { 200: Settings },
    },
    async handler(request): Promise<Shown> {
      return shown(await control.settings.get(administratorOf(request).project));
    },
  });

  app.route<{ Params: { id: string }; Body: Static<typeof Changes> }>({
    method: 'PUT',
    url: '/api/projects/:id/settings',
    schema: {
      operationId: 'setSettings',
      summary: 'Change settings; collectors follow within two seconds',
      tags,
      params: ProjectId,
      body: Changes,
      response: { 200: Settings },
    },
    async handler(request): Promise<Shown> {
      request.body.rollups?.properties.forEach(checkNameable);
      await checkChannelRules(request.body.channels ?? [], warehouse);
      return shown(await control.settings.set({ ...administratorOf(request), settings: request.body }));
    },
  });
}

/** Rules were checked when they were set. */
function shown(settings: ProjectSettings): Shown {
  return settings as Shown;
}

function checkNameable(value: string, index: number): void {
  if (isNameable(value)) return;
  const rule = 'type, groupId, schemaVersion, properties.… or context.…, none that every project has rollups by';
  const [field, code] = [`rollups.properties[${index}]`, 'invalid_value'] as const;
  const detail = `Rollups are not kept by \`${value}\`: give a property of the event itself that all rollups don't have already.`;
  throw new Problem(code, detail, { faults: [{ field, code, value, rule, detail }] });
}
