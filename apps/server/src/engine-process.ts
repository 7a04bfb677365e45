/** The engine's process: processor, API and jobs around the one warehouse of this machine. */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { personsOfHashes, rollupDefinitions, SQL_REHEARSAL, StaticCohorts, WarehouseIdentities } from '@tidemark/analytics';
import { createApi } from '@tidemark/api';
import { openControl, openKeyDirectory, toValveRule } from '@tidemark/control';
import { accountingCheck, ClockWatch, cohortMembers, DEDUP_WINDOW_DAYS, JobScheduler, lakeCompaction, partMerging, quarantineExpiry, retention, idExpiry, purgeProject, Rollups } from '@tidemark/jobs';
import { Lake } from '@tidemark/lake';
import { LmdbLogReader, LmdbPositions } from '@tidemark/log';
import { createMetrics } from '@tidemark/metrics';
import { createAdmission, openGeo } from '@tidemark/pipeline';
import { finishSwap, isSwapUnfinished, Processor, rebuildJournalPath, Rebuilds, recover, replayDoorAt, Replays } from '@tidemark/processor';
import { AdhocQueries, ChdbWarehouse, createMissingTables, DERIVED_TABLES, insertDerived, migrateWarehouse, POSITIONED_TABLES, ROLLUP_TABLES, verifyParts } from '@tidemark/warehouse';
import { pino } from 'pino';
import { answerCaching } from './answer-caching.ts';
import { Snapshots } from './backup/snapshots.ts';
import { runChild, type RoleContext, type RunningRole } from './child.ts';
import { stoppedWhileStarting } from './start-problem.ts';
import { dataFolders, sqlFolder, type DataFolders } from './data-folder.ts';
import { freeBytes } from './disk.ts';
import { FailingParts } from './failing-parts.ts';
import { jobMetrics, rollupMetrics } from './job-metrics.ts';
import { endWhenGivenUp } from './given-up.ts';
import { latenessMetrics, processorMetrics } from './processor-metrics.ts';
import type { ServerSettings } from './settings.ts';
import { noteDoubt, startOrLookAgain } from './start/doubted-stores.ts';
import { refuseDamagedLog, setDamagedPositionsAside } from './start/damaged-log.ts';
import { isLogPrepared } from './start/prepare-log.ts';
import { controlPathOf } from './start/server.ts';
import { reportDefinitions, reportRecovery, verifyingProgress } from './start/recovery-report.ts';
import { projectsWithRows } from './start/projects-with-rows.ts';
import { changesRollups, doubtRollups, settleRollups } from './start/rollup-doubt.ts';
import { committedOf, StoreCheckpoints } from './start/store-checkpoints.ts';
import { openStore, openWarehouse } from './start/store-problem.ts';
import { readVersion } from './version.ts';

const ENGINE_MEMORY_BYTES = 1 << 30;
/** What comes in and merges take of the engine's memory beside a question that may have more than is usual. */
const BESIDE_A_QUESTION_BYTES = 512 << 20;

function engineMemoryBytes({ questionLimits: { memoryBytes = 0 } }: ServerSettings): number {
  return memoryBytes <= ENGINE_MEMORY_BYTES ? ENGINE_MEMORY_BYTES : memoryBytes + BESIDE_A_QUESTION_BYTES;
}

async function start(settings: ServerSettings, { stopped, tell }: RoleContext): Promise<RunningRole> {
  const folders = dataFolders(settings.dataPath);
  const logWasPrepared = isLogPrepared(settings);
  const version = readVersion();
  const logger = pino({ level: settings.logLevel, base: { role: 'engine' } });
  const metrics = createMetrics({ role: 'engine', withProcess: true });
  const rebuildJournal = rebuildJournalPath(folders.warehouse);
  const swapUnfinished = isSwapUnfinished(rebuildJournal);
  const checkpoints = await StoreCheckpoints.begin(folders.warehouse, Date.now, swapUnfinished);
  reportDefinitions(checkpoints.mendedDefinitions, tell);
  const { warehouse, verified } = await openWarehouse(folders.warehouse, async () => {
    const opened = await ChdbWarehouse.open({ path: folders.warehouse, maxMemoryBytes: engineMemoryBytes(settings) });
    await finishSwap(opened, rebuildJournal);
    const found = await verifyParts(opened, checkpoints.found, checkpoints.onDisk, verifyingProgress(tell, Date.now));
    await migrateWarehouse(opened);
    // One that is gone has vanished parts, and is mended like any other.
    await createMissingTables(opened, [...Object.keys(POSITIONED_TABLES), ...ROLLUP_TABLES, 'cohort_members']);
    return { warehouse: opened, verified: found };
  });
  const lake = await openStore(() => Lake.open(folders.lake, warehouse));
  const aside = setDamagedPositionsAside(folders.positions, Date.now());
  if (aside !== undefined) tell(aside);
  const positions = new LmdbPositions(folders.positions);
  const stopLooking = endWhenGivenUp(positions, folders.positions, tell);
  const reader = await openLog(folders, settings, { wasPrepared: logWasPrepared, stopped });
  const idsSinceMs = (): number => Date.now() - (DEDUP_WINDOW_DAYS + 7) * 86_400_000;
  const rollupsDoubted = await openStore(() => doubtRollups(warehouse, Date.now()));
  const recovered = await openStore(() => recover({ checkpoint: checkpoints.found, verified, reader, positions, warehouse, lake, temporaryFolder: warehouse.temporaryFolder, idsSinceMs: idsSinceMs() }));
  reportRecovery(recovered, metrics, tell);
  const failing = new FailingParts({ ...folders }, Date.now);
  metrics.beforeScrape(() => {
    const parts = new Set(failing.list().map(({ part }) => part));
    for (const part of ['warehouse', 'lake', 'positions', 'log', 'processor']) metrics.gauge('tidemark_failing', { part }).set(parts.has(part) ? 1 : 0);
  });
  const processor = await openStore(() =>
    Processor.open({
      reader,
      positions,
      warehouse,
      lake,
      temporaryFolder: warehouse.temporaryFolder,
      nowMs: Date.now,
      version,
      observer: failing.watch(processorMetrics(metrics, logger)),
    }),
  );
  latenessMetrics(metrics, processor);
  if (rollupsDoubted || swapUnfinished || changesRollups(recovered)) await openStore(() => processor.dirty.markStored());
  await openStore(() => settleRollups(warehouse));
  const committed = () => committedOf(positions);
  await checkpoints.keep(warehouse, committed, (err) => logger.warn({ err }, 'the checkpoint of the stores could not be written'));
  processor.start();
  const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const control = await openControl(controlPathOf(settings.dataPath), {
    purge: (project) => jobs.exclusively(() => purgeProject(project, { warehouse, lake, processor, sleep })),
    onError: (err) => logger.error({ err }, 'administration: something beside the work itself failed'),
  });
  const keys = await openKeyDirectory(controlPathOf(settings.dataPath));
  const differing = metrics.gauge('tidemark_accounting_differing_minutes', {});
  const accounting = accountingCheck({
    log: reader,
    processor,
    warehouse,
    nowMs: Date.now,
    report(differences) {
      differing.set(differences.length);
      if (differences.length > 0) logger.error({ differences }, 'what was received and what became of it differ');
    },
  });
  const kept = {
    list: () => control.projects.list(),
    retentionDays: async (project: string) => (await control.settings.get(project)).retentionDays,
    quarantineDays: async (project: string) => (await control.settings.get(project)).quarantineDays,
  };
  const clock = new ClockWatch({ warehouse, nowMs: Date.now });
  const destructive = { warehouse, lake, settings: kept, clock, confirmations: control.jobs };
  const definitionsOf = async (project: string) => rollupDefinitions(await control.settings.rollupProperties(project));
  const identities = new WarehouseIdentities({ warehouse, decisionsOf: (project) => control.identities.list(project), changes: () => processor.identityChanges() });
  const personsOf = async (project: string) => personsOfHashes(await identities.of(project));
  const rollups = new Rollups({ warehouse, writer: processor, definitionsOf, personsOf, clock, report: rollupMetrics(metrics) });
  const idsExpire = idExpiry({ ...destructive, forgotten: (day) => processor.forgetIdsBefore(day) });
  const cohorts = new StaticCohorts({ warehouse, inUse: () => control.questions.membersInUse(), onError: (err) => logger.error({ err }, 'members that no static cohort keeps could not be removed; it will be tried again') });
  const { jobsEveryMs } = settings;
  const jobs = new JobScheduler([accounting, lakeCompaction(lake, warehouse), partMerging(warehouse, Date.now), idsExpire, rollups.job, retention({ ...destructive, expiring: (...which) => rollups.freeze(...which) }), quarantineExpiry(destructive), cohortMembers(cohorts)], {
    records: control.jobs,
    ...jobMetrics(metrics, logger),
    // A killed engine's lease is not to outlast many rounds.
    ...(jobsEveryMs === undefined ? {} : { everyMs: jobsEveryMs, leaseMs: Math.max(2_000, 2 * jobsEveryMs) }),
  });
  jobs.start();
  void control.projects.purgeDeleted();
  // What was put back may be of projects that are deleted.
  void control.projects.purgeAgain((projects) => projectsWithRows(warehouse, projects)).catch((err: unknown) => logger.error({ err }, 'what came back of deleted projects could not be looked for'));
  const backups = await Snapshots.open({
    dataPath: settings.dataPath,
    warehouse,
    lake,
    positions,
    control,
    betweenChanges: (work) => jobs.exclusively(() => cohorts.between(() => processor.between(work))),
    nowMs: Date.now,
  });
  const caching = answerCaching({ control, processor, metrics });
  const rebuilds = new Rebuilds({
    reader,
    positions,
    warehouse,
    lake,
    processor,
    temporaryFolder: warehouse.temporaryFolder,
    exclusively: (work) => jobs.exclusively(work),
    derived: { tables: DERIVED_TABLES, write: (source) => insertDerived(warehouse, source) },
    idsSinceMs,
    async swapped() {
      caching.answers.clear();
      await processor.dirty.markStored();
      await checkpoints.anew(warehouse);
    },
    journalPath: rebuildJournal,
    nowMs: Date.now,
    room: { freeBytes: () => freeBytes(folders.warehouse), reserveBytes: settings.diskReserveBytes },
    onError: (err) => logger.error({ err }, 'the rebuild failed'),
  });
  const resumed = rebuilds.resume().catch((err: unknown) => logger.error({ err }, 'the rebuild could not go on'));
  const sql = new AdhocQueries({ program: fileURLToPath(new URL('./sql-process.mjs', import.meta.url)), folder: sqlFolder(settings.dataPath), lake, warehouse, limits: settings.sqlLimits, rehearsal: SQL_REHEARSAL });
  metrics.beforeScrape(() => metrics.gauge('tidemark_sql_waiting_bytes', {}).set(sql.waitingBytes ?? 0));
  if (!sql.isConfined) logger.info('SQL queries run in plain processes: this machine makes no namespaces (docs/operating.md, "SQL")');
  const admission = createAdmission({ countryOf: await openGeo() });
  const replays = new Replays({
    warehouse,
    temporaryFolder: warehouse.temporaryFolder,
    processor,
    door: replayDoorAt(settings.replaySocketPath),
    admit: (value, facts) => admission.admit(value, facts),
    rulesOf: async (project) => ({ settings: await control.settings.get(project), valves: (await control.valves.list(project)).map((valve) => ({ ...toValveRule(valve), source: valve.source })) }),
    nowMs: Date.now,
  });
  const { memoryBytes: questionMemoryBytes, timeoutMs: questionTimeoutMs } = settings.questionLimits;
  const api = createApi({
    limits: { ...(questionMemoryBytes !== undefined && { questionMemoryBytes }), ...(questionTimeoutMs !== undefined && { questionTimeoutMs }) },
    sql,
    warehouse,
    control,
    keys,
    processor,
    log: reader,
    identities,
    caching,
    admission,
    metrics,
    clock: Date.now,
    version,
    folders: { ...folders },
    cohorts,
    jobs: { list: () => jobs.list(), run: (name) => jobs.runNow(name) },
    onStoreDamage: () => noteDoubt(folders.warehouse),
    failing: () => failing.list(),
    room: { freeBytes, reserveBytes: settings.diskReserveBytes },
    backups,
    rebuilds,
    replays,
    logger,
  });
  mkdirSync(dirname(settings.engineSocketPath), { recursive: true });
  rmSync(settings.engineSocketPath, { force: true });
  await api.listen({ path: settings.engineSocketPath });
  return {
    address: settings.engineSocketPath,
    async stop() {
      stopLooking();
      sql.close();
      await api.close();
      await resumed;
      await rebuilds.stop();
      await jobs.stop();
      await processor.stop();
      await control.close();
      await keys.close();
      const markClean = await checkpoints.end(warehouse, committed);
      await reader.close();
      await positions.close();
      lake.close();
      await warehouse.close();
      await markClean();
    },
  };
}

/**
 * The collector makes the log, and looks at it before it is read; it may be a moment behind. `wasPrepared`: that was before this process began.
 * @throws StartProblem `stopped`: the collector may have found that the log is damaged, and then it is not waited for
 */
async function openLog(folders: DataFolders, settings: ServerSettings, { wasPrepared, stopped }: { wasPrepared: boolean; stopped: AbortSignal }): Promise<LmdbLogReader> {
  while (!isLogPrepared(settings)) {
    if (stopped.aborted) throw stoppedWhileStarting();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // When only this process starts again a broken page may be what ended it. When both do, the collector has looked just now: a gigabyte
  // that waits to be applied takes 1.3 s, in which nothing is caught up with.
  if (wasPrepared) refuseDamagedLog(folders, true);
  for (;;) {
    const reader = LmdbLogReader.open(folders.log);
    if (reader !== undefined) return reader;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

runChild('engine', (settings, context) => startOrLookAgain(settings, context, start));
