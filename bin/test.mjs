// `npm test`: installs what is missing, then types, lint and every test. Ends with 'N passed, N failed[, N skipped]'.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './install.mjs';
import { requirementProblem } from './requirements.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const CHROMIUM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** More files than these don't fail by chance. */
const SECOND_TRIES = 3;
/** What these kill they kill at another moment each time: what one of two runs lost was lost. Only where time ran out is the machine to blame. */
const KILLING = /^tests\/(crash|converge|rollups)\//;
/** As vitest (in its report by the trace alone, without the sentence) and fast-check say it; a property that was interrupted had found no case. */
const OUT_OF_TIME = /timed out|STACK_TRACE_ERROR|Property interrupted/;

const problem = requirementProblem(process);
if (problem) {
  console.error(`tidemark: ${problem.sentence}\n  Fix: ${problem.fix}`);
  console.log('0 passed, 1 failed');
  process.exit(1);
}

const totals = { passed: 0, failed: 0, skipped: 0 };
try {
  ensureInstalled(root);
  const chromium = findChromium();
  checkBy('types', ['typescript/bin/tsc', '--noEmit'], totals);
  // The SDKs' core knows no platform, the browser's knows no Node: each is checked with only what it may use.
  for (const sdk of ['core', 'browser'])
    checkBy(`types of the ${sdk} SDK`, ['typescript/bin/tsc', '--noEmit', '-p', `sdks/${sdk}`], totals);
  checkBy('lint', ['oxlint/bin/oxlint', '--deny-warnings'], totals);
  await buildOnce(totals);
  runVitest(chromium, process.argv.slice(2), totals);
} catch (error) {
  console.error(error.stack);
  totals.failed++;
}
console.log(
  `${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`,
);
process.exitCode = totals.failed > 0 ? 1 : 0;

/** Runs one of the tools in node_modules as a check that passes or fails. */
function checkBy(name, [script, ...args], sums) {
  console.log(`\n# ${name}`);
  const result = runNode(script, args);
  if (result.status === 0) sums.passed++;
  else {
    sums.failed++;
    console.log(`FAILED: ${name}`);
  }
}

function runNode(script, args, env = {}) {
  return spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
}

/** Tests that start the real program find it built, and two of them never build at once. */
async function buildOnce(sums) {
  console.log('\n# build');
  try {
    const { ensureBuilt } = await import('./build.mjs');
    await ensureBuilt(root);
    sums.passed++;
  } catch (error) {
    console.log(`FAILED: build\n${error.stack}`);
    sums.failed++;
  }
}

/**
 * Runs the tests, random ones with one seed. Files in which a test failed are run once more, one at a time and with the same
 * seed: what random input found fails again, what only a busy machine's clock decided does not, and is told. Those that kill
 * have no second try.
 */
function runVitest(chromium, filters, sums) {
  const seed = process.env.TIDEMARK_SEED ?? String(Date.now() % 1_000_000);
  console.log(`\n# tests (TIDEMARK_SEED=${seed} gives random ones the same input again)`);
  const env = { TIDEMARK_SEED: seed, ...(chromium ? { TIDEMARK_TEST_CHROMIUM: chromium } : {}) };
  const first = vitest(filters, env);
  const failedFiles = (first.report?.testResults ?? []).filter((file) => file.status === 'failed').map((file) => file.name);
  if (failedFiles.length === 0 || failedFiles.length > SECOND_TRIES || isBeyondChance(first.report)) {
    const failed = first.report ? addReport([first.report], sums) : 0;
    // A worker that died, or an error outside any test, fails the run without failing a test.
    if (first.status !== 0 && failed === 0) sums.failed++;
    return;
  }
  console.log(`\n# ${failedFiles.length} files once more, by themselves`);
  const second = vitest(['--maxWorkers=1', ...failedFiles], env);
  const rest = { testResults: first.report.testResults.filter((file) => !failedFiles.includes(file.name)) };
  const failed = addReport([rest, second.report ?? { testResults: [] }], sums);
  if (second.status !== 0 && failed === 0) sums.failed++;
  tellFirstTry(first.report);
}

function isBeyondChance({ testResults }) {
  const failures = testResults
    .filter((file) => KILLING.test(relative(root, file.name)))
    .flatMap((file) => file.assertionResults.flatMap((test) => test.failureMessages));
  return failures.some((message) => !OUT_OF_TIME.test(message));
}

function vitest(args, env) {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
  const path = join(folder, 'report.json');
  const { status } = runNode(
    'vitest/vitest.mjs',
    ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${path}`, ...args],
    env,
  );
  const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  rmSync(folder, { recursive: true, force: true });
  return { status, report };
}

function tellFirstTry({ testResults }) {
  for (const file of testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'failed') console.log(`FAILED AT FIRST: ${relative(root, file.name)} > ${test.fullName}`);
    }
  }
}

/** Adds vitest's JSON reports to the sums; returns how many failed. A file that could not be loaded is one. */
function addReport(reports, sums) {
  let failed = 0;
  for (const file of reports.flatMap((report) => report.testResults)) {
    const counts = { passed: 0, failed: 0, other: 0 };
    for (const { status } of file.assertionResults) counts[status in counts ? status : 'other']++;
    if (file.status === 'failed' && counts.failed === 0) {
      console.log(`FAILED: ${relative(root, file.name)} could not be run`);
      counts.failed = 1;
    }
    sums.passed += counts.passed;
    sums.skipped += counts.other;
    failed += counts.failed;
  }
  sums.failed += failed;
  return failed;
}

/** A Chromium for the page's tests: the system's, or Debian's package when we may install it. */
function findChromium() {
  const preset = process.env.TIDEMARK_TEST_CHROMIUM;
  const found = [preset, ...CHROMIUM_PATHS].find((path) => path && existsSync(path));
  if (found) return found;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('Installing Chromium for the browser tests (apt-get install chromium) …');
    const update = spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
    const install = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    const path = CHROMIUM_PATHS.find((each) => existsSync(each));
    if (update.status === 0 && install.status === 0 && path) return path;
  }
  console.log(
    'SKIPPING the browser tests: no Chromium here. Install it (Debian: apt-get install chromium) or set TIDEMARK_TEST_CHROMIUM.',
  );
  return undefined;
}
