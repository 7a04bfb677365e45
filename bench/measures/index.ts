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
  /** What `npm run bench` without a name runs of it: the same unless something else stands here. */
  inAll?: (() => Promise<Measure[]>) | false;
}

export const MEASURES: Record<string, Runnable> = {
  r1: { run: r1, about: 'durable accepted events/s against a bare server' },
  r2: { run: r2, about: 'accept rate with fsync against without' },
  r3: { run: halfLoad, about: 'accept latency and freshness (R14) at half load' },
  r4: { run: r4, about: 'events/s end to end against a plain INSERT' },
  r6: { run: r6, about: 'questions of each kind against SQL by hand, 10 million events' },
  sql: { run: sql, about: "a statement of one's own against the same by hand, over the lake's files" },
  r7: { run: r7, about: 'a funnel of five steps against the number of persons' },
  r8: { run: r8, about: "the dashboard's questions under full ingest" },
  r9: { run: r9, about: 'bytes on disk an event' },
  r10: { run: r10, about: 'timeline of a person through the API' },
  r11: { run: r11, about: 'restart with 1 GB of unprocessed log' },
  r12: { run: r12, about: 'a fifth of duplicates against none' },
  r13: { run: r13, about: 'three times the sustainable load' },
  r15: { run: r15, about: 'acknowledged events lost over injected faults' },
  day: { run: day, about: 'sessions and persons of a day of 5 million events against plain scans' },
  rollups: { run: rollupsOfDay, inAll: rollupsOfFewer, about: 'a day of dirty quarters rolled up again against a plain scan (1 million events in `npm run bench`)' },
  links: { run: links, about: 'persons of 100,000 links that came over HTTP, and ids that a house shares' },
  jobs: { run: besideJobsAlone, inAll: besideJobsShort, about: 'intake at half load while all jobs run against none' },
  rebuild: { run: rebuildOfAll, inAll: rebuildOfFewer, about: 'tables made again from the lake (1 million events in `npm run bench`)' },
  memory: { run: memoryAlone, inAll: memoryShort, about: 'anonymous memory over ten minutes of full load (a minute in `npm run bench`)' },
  caps: { run: questionMemory, inAll: false, about: 'memory of the heaviest questions' },
  growth: { run: growth, inAll: false, about: 'questions at 1, 10 and 50 million events (TIDEMARK_BENCH_EVENTS: the largest), for the chart' },
  curve: { run: curve, about: 'events/s and latency over offered load, for the chart' },
  profile: { run: profile, about: 'where the JavaScript of an event goes, by source file' },
  door: { run: door, inAll: false, about: 'R1 of this checkout and of another one (TIDEMARK_BENCH_AGAINST)' },
  ab: { run: ab, inAll: false, about: 'this checkout against another one (TIDEMARK_BENCH_AGAINST)' },
};
