import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { allQueryable, Ledger } from '../oracle/counts.ts';
import { knob } from '../options.ts';
import { microsBySource, type CpuProfile } from '../profile/by-source.ts';
import { spread, type Measure } from '../report/measure.ts';
import { CpuMeter, perEvent } from '../resources/cpu.ts';
import { Server } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { endToEnd } from './end-to-end.ts';
import { entry } from './catalogue.ts';

const ROLES = ['collector', 'engine'] as const;
const SHOWN = 25;

/**
 * Where the JavaScript of an event goes, by source file, from V8's profiler in both processes at full load; chDB's threads
 * are not in it (R4 has them). The profiler itself takes some: read shares, not sums.
 */
export async function profile(): Promise<Measure[]> {
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 10);
  const profiles = newFolder();
  const server = await Server.start({ preload: ['cpu-profile.cjs'], env: { TIDEMARK_BENCH_PROFILES: profiles } });
  const ledger = new Ledger();
  await endToEnd(server, ledger, { seconds: Math.min(4, seconds) });
  const toggle = (): void => {
    for (const { pid, role } of server.processes()) if (role !== 'supervisor') process.kill(pid, 'SIGUSR2');
  };
  toggle();
  const cpu = new CpuMeter(server.processes());
  const { load, eventsPerSecond } = await endToEnd(server, ledger, { seconds });
  const cost = perEvent(cpu.stop(), load.accepted);
  toggle();
  const sources: Record<string, Record<string, number>> = {};
  for (const role of ROLES) {
    const file = join(profiles, `${role}.cpuprofile`);
    while (!existsSync(file)) await delay(100);
    const sums = microsBySource(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile);
    const rows = [...sums].map(([source, micros]) => [source, micros / load.accepted] as const).toSorted(([, a], [, b]) => b - a);
    sources[role] = Object.fromEntries(rows.slice(0, SHOWN));
  }
  await allQueryable(server, ledger);
  await server.stop();
  removeFolder(profiles);
  const notes = ROLES.flatMap((role) => [`${role}, us an event:`, ...Object.entries(sources[role]!).slice(0, 12).map(([source, micros]) => `  ${micros.toFixed(2).padStart(6)}  ${source}`)]);
  return [
    {
      ...entry('profile'),
      what: `JavaScript of an event by source file, at ${Math.round(eventsPerSecond).toLocaleString('en')} events/s with the profiler on`,
      value: spread([cost.micros]),
      notes,
      details: { sources, cpuPerEvent: cost },
    },
  ];
}
