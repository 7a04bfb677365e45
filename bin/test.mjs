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

function runVitest(chromium, filters, sums) {
  console.log('\n# tests');
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
  const report = join(folder, 'report.json');
  const result = runNode(
    'vitest/vitest.mjs',
    ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...filters],
    chromium ? { TIDEMARK_TEST_CHROMIUM: chromium } : {},
  );
  const counted = existsSync(report) ? addReport(JSON.parse(readFileSync(report, 'utf8')), sums) : false;
  // A worker that died, or an error outside any test, fails the run without failing a test.
  if (result.status !== 0 && !counted) sums.failed++;
  rmSync(folder, { recursive: true, force: true });
}

/** Adds vitest's JSON report to the sums; true when it holds a failure. A file that could not be loaded is one. */
function addReport(report, sums) {
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  for (const file of brokenFiles) console.log(`FAILED: ${relative(root, file.name)} could not be run`);
  const failed = report.numFailedTests + brokenFiles.length;
  sums.passed += report.numPassedTests;
  sums.failed += failed;
  sums.skipped += report.numPendingTests + report.numTodoTests;
  return failed > 0;
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
