/** The part of GET /api/pipeline that tells how far answers come from rollups. */
import { readProgress, readRollupState } from '@tidemark/warehouse';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import type { ApiDeps } from '../deps.ts';
import { toRfc3339 } from '../times.ts';

const TimeOrNull = (description: string) => Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time', description });

export const Rollups = Type.Object({
  sealedUntil: TimeOrNull('Quarters of an hour before it are answered from rollups; null before the first round.'),
  frozenUntil: TimeOrNull('Before it events of the project have begun to expire, and its rollups are kept as they are; null = nothing has.'),
  dirtyBuckets: Type.Integer({ minimum: 0, description: 'Sealed quarters of an hour that are answered from events until they are rolled up again.' }),
  properties: Type.Array(
    Type.Object({
      property: Type.String(),
      missing: Type.Integer({ minimum: 0, description: 'Quarters of an hour that are still to be counted by it.' }),
      overflown: Type.Integer({ minimum: 0, description: 'Those with too many values of it: they are answered from events.' }),
      secondsLeft: Type.Unsafe<number | null>({ type: ['number', 'null'], description: 'About how long the missing ones take, at the pace of the last minutes; null = nothing was done in them.' }),
    }),
    { description: 'Those that the project has named in its settings.' },
  ),
});

export async function rollupsOf({ warehouse, control }: Pick<ApiDeps, 'warehouse' | 'control'>, project: string): Promise<Static<typeof Rollups>> {
  const { sealedMs, frozenMs, dirtyBuckets } = await readRollupState(warehouse, project);
  const properties: Static<typeof Rollups>['properties'] = [];
  for (const property of await control.settings.rollupProperties(project)) {
    const { secondsLeft = null, ...progress } = await readProgress(warehouse, { project, property, fromMs: frozenMs });
    properties.push({ ...progress, secondsLeft });
  }
  return { sealedUntil: orNull(sealedMs), frozenUntil: orNull(frozenMs), dirtyBuckets, properties };
}

function orNull(ms: number | undefined): string | null {
  return ms === undefined ? null : toRfc3339(ms);
}
