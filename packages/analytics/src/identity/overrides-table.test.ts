import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { overrideRows, type OverridesTable } from './override-rows.ts';
import { writeOverrides } from './overrides-table.ts';
import type { ProjectIdentity } from './project-identity.ts';
import { openTestStore, type TestStore } from '../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

/** `TIDEMARK_IDENTITY_RUNS=200` tries more. */
const RUNS = 2 * Number(process.env['TIDEMARK_IDENTITY_RUNS'] ?? 5);

const some = <Item>(...items: Item[]): fc.Arbitrary<Item[]> => fc.subarray(items);
/** Each node bears a name or none; what is cut and who is a hub, of few. */
const said = fc.record({
  names: fc.array(fc.constantFrom('', 'uann', 'ubob'), { minLength: 4, maxLength: 4 }),
  cutClaims: some(['d', 'ann'] as const, ['d', 'bob'] as const, ['e', 'ann'] as const),
  hubUsers: some('kiosk', 'guest'),
});
type Said = typeof said extends fc.Arbitrary<infer Item> ? Item : never;

function identityOf(project: string, { names, ...rest }: Said): ProjectIdentity {
  const persons = ['uann', 'ubob'].map((name) => ({ name, nodes: [name, ...names.flatMap((bears, i) => (bears === name ? [`u${i}`] : []))] }));
  return { project, persons: persons.filter(({ nodes }) => nodes.length > 1), ...rest };
}

async function read(project: string, table: OverridesTable): Promise<string[][]> {
  const kinds = [];
  for (const kind of ['name', 'cut', 'hub'] as const) {
    const { rows } = await store.warehouse.query<{ one: string; other: string }>(`SELECT one, other FROM (${overrideRows(project, table, kind)})`);
    kinds.push(rows.map(({ one, other }) => `${one} ${other}`).toSorted());
  }
  return kinds;
}

function expected({ persons, cutClaims, hubUsers }: ProjectIdentity): string[][] {
  const names = persons.flatMap(({ name, nodes }) => nodes.filter((node) => node !== name).map((node) => `${node} ${name}`));
  return [names.toSorted(), cutClaims.map((pair) => pair.join(' ')).toSorted(), hubUsers.map((user) => `${user} `).toSorted()];
}

it('each identity finds its own rows, whichever it is the changes of, and whatever was written since', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ said, of: fc.nat() }), { minLength: 3, maxLength: 7 }), fc.constantFrom(Infinity, 3), async (steps, maxChangedRows) => {
      const project = `written${run++}`;
      const written: { identity: ProjectIdentity; table: OverridesTable }[] = [];
      for (const { said, of } of steps) {
        const identity = identityOf(project, said);
        const before = written.length === 0 ? undefined : written[of % written.length]!.table;
        written.push({ identity, table: await writeOverrides(identity, store.warehouse, before, maxChangedRows) });
      }
      // Of bases, four are kept.
      const bases = [...new Set(written.map(({ table }) => table.base))].slice(-4);
      for (const { identity, table } of written) if (bases.includes(table.base)) expect(await read(project, table)).toEqual(expected(identity));
    }),
    { numRuns: RUNS },
  );
});

it('what says the same is the same, and nothing is written', async () => {
  const identity = identityOf('same', { names: ['uann', 'uann', '', 'ubob'], cutClaims: [['d', 'ann']], hubUsers: [] });
  const table = await writeOverrides(identity, store.warehouse);
  expect(await writeOverrides({ ...identity }, store.warehouse, table)).toBe(table);
});
