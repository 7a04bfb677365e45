import type { Decision } from '@tidemark/identity';
import type { Warehouse } from '@tidemark/warehouse';
import { writeOverrides } from '../identity/overrides-table.ts';
import type { ProjectIdentity } from '../identity/project-identity.ts';
import { readHubUsers, readIdentity } from '../identity/read-identity.ts';

/**
 * A project's identity by way of the table `identity_overrides`: as of half the decisions, and then what all of them change of that,
 * after another question has written something else of the same half.
 */
export async function throughTable(project: string, decisions: readonly Decision[], warehouse: Warehouse): Promise<ProjectIdentity> {
  const hubUsers = await readHubUsers(project, warehouse);
  const asOf = async (some: readonly Decision[]): Promise<ProjectIdentity> => (await readIdentity(project, some, hubUsers, warehouse)).identity;
  const half = await writeOverrides(await asOf(decisions.slice(0, decisions.length / 2)), warehouse);
  await writeOverrides(await asOf(decisions.slice(decisions.length / 2)), warehouse, half, Infinity);
  const identity = await asOf(decisions);
  return { ...identity, table: await writeOverrides(identity, warehouse, half, Infinity) };
}
