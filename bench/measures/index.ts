import type { Measure } from '../report/measure.ts';
import { ab } from './ab.ts';
import { besideJobsAlone, besideJobsShort } from './beside-jobs.ts';
import { curve } from './curve.ts';
import { day } from './day.ts';
import { door } from './door.ts';
import { growth } from './growth.ts';
import { halfLoad } from './half-load.ts';
import { links } from './links.ts';
import { memoryAlone, memoryShort } from './memory.ts';
import { profile } from './profile.ts';
import { questionMemory } from './question-memory.ts';
import { r1 } from './r1.ts';
import { r2 } from './r2.ts';
import { r4 } from './r4.ts';
import { r6 } from './r6.ts';
import { r7 } from './r7.ts';
import { r8 } from './r8.ts';
import { r8Kinds } from './r8-kinds.ts';
import { r9 } from './r9.ts';
import { r10 } from './r10.ts';
import { r11 } from './r11.ts';
import { r12 } from './r12.ts';
import { r13 } from './r13.ts';
import { r15 } from './r15.ts';
import { rebuildOfAll, rebuildOfFewer } from './rebuild.ts';
import { rollupsOfDay, rollupsOfFewer } from './rollups.ts';
import { sql } from './sql.ts';

export interface Runnable {
  run: () => Promise<Measure[]>;
  about: string;
  /** A shorter form, which runs among many. */
  short?: () => Promise<Measure[]>;
  /** `contract`: what `npm run bench` runs. `own`: what `npm run bench -- own` does. Absent: runs by its name alone. */
  among?: 'contract' | 'own';
}

export const MEASURES: Record<string, Runnable> = {
  r1: { run: r1, among: 'contract', about: 'durable accepted events/s against a bare server' },
  r2: { run: r2, among: 'contract', about: 'accept rate with fsync against without' },
  r3: { run: halfLoad, among: 'contract', about: 'accept latency and freshness (R14) at half load' },
  r4: { run: r4, among: 'contract', about: 'events/s end to end against a plain INSERT' },
  r6: { run: r6, among: 'contract', about: 'questions of each kind against SQL by hand, 10 million events' },
  sql: { run: sql, among: 'own', about: "a statement of one's own against the same by hand, over the lake's files" },
  r7: { run: r7, among: 'contract', about: 'a funnel of five steps against the number of persons' },
  r8: { run: r8, among: 'contract', about: "the dashboard's questions under full ingest" },
  'r8-kinds': { run: r8Kinds, among: 'own', about: 'the question of each kind under full ingest, 10 million events' },
  r9: { run: r9, among: 'contract', about: 'bytes on disk an event' },
  r10: { run: r10, among: 'contract', about: 'timeline of a person through the API' },
  r11: { run: r11, among: 'contract', about: 'restart with 1 GB of unprocessed log' },
  r12: { run: r12, among: 'contract', about: 'a fifth of duplicates against none' },
  r13: { run: r13, among: 'contract', about: 'three times the sustainable load' },
  r15: { run: r15, among: 'contract', about: 'acknowledged events lost over injected faults' },
  day: { run: day, among: 'own', about: 'sessions and persons of a day of 5 million events against plain scans' },
  rollups: { run: rollupsOfDay, among: 'own', short: rollupsOfFewer, about: 'a day of dirty quarters rolled up again against a plain scan (1 million events among others)' },
  links: { run: links, among: 'own', about: 'persons of 100,000 links that came over HTTP, and ids that a house shares' },
  jobs: { run: besideJobsAlone, among: 'own', short: besideJobsShort, about: 'intake at half load while all jobs run against none' },
  rebuild: { run: rebuildOfAll, among: 'own', short: rebuildOfFewer, about: 'tables made again from the lake (1 million events among others)' },
  memory: { run: memoryAlone, among: 'contract', short: memoryShort, about: 'anonymous memory over ten minutes of full load (a minute among others)' },
  caps: { run: questionMemory, among: 'own', about: 'memory of the heaviest questions' },
  growth: { run: growth, about: 'questions at 1, 10 and 50 million events (TIDEMARK_BENCH_EVENTS: the largest), for the chart' },
  curve: { run: curve, among: 'own', about: 'events/s and latency over offered load, for the chart' },
  profile: { run: profile, among: 'own', about: 'where the JavaScript of an event goes, by source file' },
  door: { run: door, about: 'R1 of this checkout and of another one (TIDEMARK_BENCH_AGAINST)' },
  ab: { run: ab, about: 'this checkout against another one (TIDEMARK_BENCH_AGAINST)' },
};
