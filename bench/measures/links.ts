import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { alias, drawHubs, drawLogins } from '../generate/logins.ts';
import { knob } from '../options.ts';
import { WrongCount } from '../oracle/counts.ts';
import { askInTurns } from '../prepare/ask-in-turns.ts';
import { spread, type Measure } from '../report/measure.ts';
import { sendAll } from '../server/send-all.ts';
import { Server } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { entry } from './catalogue.ts';

const OWN_LINKS = 100_000;
/** Of hubs: more than a user may have. */
const SHARED = { devices: 12_000, aliases: 3_000 };
const PLAIN = `SELECT uniqExact(user_id, if(user_id = '', anonymous_id, '')) FROM events`;
const ASKS = 5;

/**
 * 100,000 links as they come: logins and aliases over HTTP. Each round somebody merges two devices through the API and one
 * more alias comes, then the persons are counted, who all have to be looked up anew; against one plain scan that counts the
 * raw ids of the same rows. At the end two ids come that a house shares, and what lists and counts such ids is timed.
 */
export async function links(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 5);
  const drawn = drawLogins(knob('TIDEMARK_BENCH_LINKS', OWN_LINKS));
  const dataPath = newFolder();
  const server = await Server.start({ dataPath });
  const startedAt = performance.now();
  await sendAll(server.port, drawn.events);
  await processed(server);
  let { persons } = drawn;
  await countPersons(server, persons);
  const untilCountedMs = performance.now() - startedAt;
  const tookMs: number[] = [];
  const mergeMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const [a, b] = drawn.loneDevices.slice(2 * round);
    const mergedAt = performance.now();
    await server.api.ask('/api/identities/merge', { ids: [{ anonymousId: a }, { anonymousId: b }] });
    mergeMs.push(performance.now() - mergedAt);
    // Users that are alone until then: pairs of the first ones are one already.
    const lone = 2 * Math.floor(drawn.links / 5);
    await sendAll(server.port, [alias(round, `user-${lone + 2 * round}`, `user-${lone + 2 * round + 1}`)]);
    await processed(server);
    persons -= 2;
    tookMs.push(await countPersons(server, persons));
  }
  const again = await repeated(() => countPersons(server, persons));
  await sendAll(server.port, drawHubs(SHARED.devices, SHARED.aliases));
  await processed(server);
  // Both hubs have events of their own; the ids beside them have none.
  const usersMs = await countPersons(server, persons + 2);
  const { identities } = await server.api.ask<{ identities: { userId: string; links: number }[] }>('/api/identities?flag=hub');
  const hubs = identities.map(({ userId, links: known }) => `${userId} ${known}`).toSorted().join(', ');
  if (hubs !== `kiosk ${SHARED.devices}, shared ${SHARED.aliases}`) throw new WrongCount([`hubs: ${hubs}`]);
  const page = { listMs: await repeated(() => timed(server, '/api/identities?flag=hub')), hubMs: await repeated(() => timed(server, '/api/identities/kiosk')), personMs: await repeated(() => timed(server, '/api/identities/user-0')), pipelineMs: await repeated(() => timed(server, '/api/pipeline')) };
  await server.stop();
  const { plainMs } = await askInTurns({ warehousePath: join(dataPath, 'warehouse'), project: 'none', kind: 'trend', question: { series: [{}], range: 'today' }, plain: PLAIN, rounds: 5 });
  removeFolder(dataPath);
  const plain = spread(plainMs);
  return [
    {
      ...entry('links'),
      what: `persons counted after one more merge and alias, ${drawn.links.toLocaleString('en')} links sent over HTTP, against a plain count of raw ids`,
      value: spread(tookMs.map((ms) => ms / plain.median)),
      notes: [`with two ids of ${SHARED.devices.toLocaleString('en')} devices and ${SHARED.aliases.toLocaleString('en')} aliases: the list of such ids ${page.listMs.median.toFixed(0)} ms, one of them ${page.hubMs.median.toFixed(0)} ms, data quality ${page.pipelineMs.median.toFixed(0)} ms (median of ${ASKS})`],
      details: { links: drawn.links, events: drawn.events.length, persons, untilCountedMs, tookMs: spread(tookMs), askedAgainMs: again, mergeMs: spread(mergeMs), plainMs: plain, withHubs: { ...page, usersMs } },
    },
  ];
}

/** Ms that the answer takes. Throws when it is another one. */
async function countPersons({ api }: Server, wanted: number): Promise<number> {
  const startedAt = performance.now();
  const to = new Date(Date.now() + 86_400_000).toISOString();
  const { series } = await api.ask<{ series: { total: number }[] }>('/api/analytics/trend', { series: [{ measure: 'users' }], from: '-1d', to, granularity: 'day', includeBots: true });
  const tookMs = performance.now() - startedAt;
  if (series[0]?.total !== wanted) throw new WrongCount([`persons: ${series[0]?.total}, should be ${wanted}`]);
  return tookMs;
}

async function timed({ api }: Server, path: string): Promise<number> {
  const startedAt = performance.now();
  await api.ask(path);
  return performance.now() - startedAt;
}

async function repeated(once: () => Promise<number>) {
  const tookMs: number[] = [];
  for (let time = 0; time < ASKS; time++) tookMs.push(await once());
  return spread(tookMs);
}

async function processed({ api }: Server): Promise<void> {
  while ((await api.lag()) !== 0) await delay(20);
}
