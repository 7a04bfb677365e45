/** Other vendors' Node clients, as published, against our collector: what they send is stored event by event, once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../e2e/project.ts';
import { ServerUnderTest } from '../server-under-test.ts';
import { openGate } from '../sdks/gate.ts';
import type { Gate } from '../sdks/gate.ts';
import { numbersOf, readStored, upTo } from '../sdks/stored.ts';
import type { StoredEvent } from '../sdks/stored.ts';
import { installedClients } from './installed.ts';
import { createClient, NODE_CLIENTS } from './node-clients.ts';

const folder = installedClients();

describe.skipIf(!folder)("other vendors' Node clients", () => {
  let server: ServerUnderTest;
  let gate: Gate;
  beforeAll(async () => {
    server = await ServerUnderTest.start();
    await server.ready();
    gate = await openGate(server.url);
  });
  afterAll(async () => {
    await gate?.close();
    await server?.stop();
  });

  it.each(NODE_CLIENTS)(
    '%s delivers its calls',
    async (kind) => {
      const event = `Order Completed ${kind}`;
      const client = createClient(folder!, kind, gate.url);
      const user = `u-${kind}`;
      client.identify(user, { plan: 'pro', email: 'a@b.example' });
      for (const n of upTo(25)) client.track(user, event, { n, revenue: 9.5, items: [{ sku: 'a' }] });
      client.alias?.(user, `old-${kind}`);
      client.group?.(user, 'acme', { seats: 5 });
      await client.close();
      const stored = await readStored(server, event, 25);
      expect(numbersOf(stored)).toEqual(upTo(25));
      for (const each of stored) {
        expect(each.userId ?? each.anonymousId).toBe(kind === '@jitsu/js' ? (each.userId ?? each.anonymousId) : user);
        expect(each.properties).toMatchObject({ revenue: 9.5, items: [{ sku: 'a' }] });
        expect(each.context['library']).toMatchObject({
          name: expect.stringMatching(/analytics|posthog|jitsu/) as string,
        });
      }
      // Of each of its other calls one, as ours: whose traits, which two ids are one, whose group.
      const own = async (name: string): Promise<StoredEvent[]> =>
        (await readStored(server, name, 0)).filter(({ userId }) => userId === user);
      const identified = await own('identify');
      expect(identified.map(({ traits }) => traits)).toMatchObject([{ plan: 'pro', email: 'a@b.example' }]);
      if (!client.alias) return;
      expect((await readStored(server, 'alias', 0)).filter((each) => JSON.stringify(each).includes(`old-${kind}`))).toHaveLength(1);
      const groups = (await readStored(server, 'group', 0)).filter((each) => JSON.stringify(each).includes(user));
      expect(groups).toMatchObject([{ groupId: 'acme', traits: { seats: 5 } }]);
    },
  );

  it.each(NODE_CLIENTS)('N7: of %s, too, events without consent are filtered at the collector, and counted', async (kind) => {
    const event = `consent ${kind}`;
    const filtered = async (): Promise<number> =>
      (await server.ask<{ balance: { filtered: number } }>('/api/pipeline')).balance.filtered;
    const before = await filtered();
    const client = createClient(folder!, kind, gate.url);
    for (const n of upTo(6))
      client.track('u1', event, { n }, { categoryPreferences: { analytics: n % 3 !== 0, advertising: false } });
    await client.close();
    expect(numbersOf(await readStored(server, event, 4))).toEqual([1, 2, 4, 5]);
    await until(async () => (await filtered()) - before === 2, 'two that are counted as filtered');
  });
});
