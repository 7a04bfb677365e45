/**
 * Who is who, by hand. Ids are hashed to 64 bits at once, so that what is grouped and joined is a number: with 10 million
 * actors two collide with a probability of 3e-6. Written for data in which an alias joins two users, not a chain of them,
 * and nobody has merged or cut anything; the product's statements can't know that.
 */
import { literal, timeLiteral } from '@tidemark/warehouse';

/** Hash of who an event says it was. */
export const ACTOR = `if(user_id != '', cityHash64('u', user_id), cityHash64('a', anonymous_id))`;

/** Hash of the person of a row with `actor`, joined with `joinPersons`. */
export const PERSON = 'if(names.person = 0, actor, names.person)';

/** The few actors whose person is not themselves: devices with an owner, and users that an alias joined to another. */
export function joinPersons(project: string): string {
  const whose = literal(project);
  return `LEFT ANY JOIN (
    WITH joined AS (SELECT previous, any(user) AS user FROM identity_links WHERE project = ${whose} GROUP BY previous)
    SELECT cityHash64('a', device) AS actor, cityHash64('u', if(joined.user != '', joined.user, owner)) AS person
    FROM (SELECT device, argMin(user, first) AS owner FROM identity_claims WHERE project = ${whose} GROUP BY device) AS owners LEFT ANY JOIN joined ON owners.owner = joined.previous
    UNION ALL SELECT cityHash64('u', previous), cityHash64('u', user) FROM joined) AS names USING actor`;
}

/** Condition on `events`: of the project and the range, without bots, of these names (absent = all). */
export function within({ project, fromMs, toMs }: { project: string; fromMs: number; toMs: number }, names?: readonly string[]): string {
  const named = names === undefined ? '' : ` AND event_name IN (${names.map(literal).join(', ')})`;
  return `project = ${literal(project)}${named} AND time >= ${timeLiteral(fromMs)} AND time < ${timeLiteral(toMs)} AND bot = 0`;
}
