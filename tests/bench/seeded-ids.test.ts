import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dedupKey } from '@tidemark/event';
import { ChdbWarehouse } from '@tidemark/warehouse';
import { expect, it } from 'vitest';
import { SEEDED_ID_SQL, seededId } from '../../bench/generate/ids.ts';

it('a seeded id is the same text, and the same dedup key, in SQL and in the generator', async () => {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-seeded-'));
  const warehouse = await ChdbWarehouse.open({ path, connections: 1 });
  const numbers = [0, 9, 255, 65_536, 49_999_999];
  const { rows } = await warehouse.query<{ id: string; key: string }>(
    `SELECT ${SEEDED_ID_SQL} AS id, hex(MD5(concat('p1', char(0), ${SEEDED_ID_SQL}))) AS key
     FROM (SELECT toUInt64(arrayJoin([${numbers.join(', ')}])) AS number)`,
  );
  await warehouse.close();
  rmSync(path, { recursive: true, force: true });
  expect(rows.map(({ id }) => id)).toEqual(numbers.map(seededId));
  expect(rows.map(({ key }) => key)).toEqual(numbers.map((n) => dedupKey('p1', seededId(n)).toString('hex').toUpperCase()));
});
