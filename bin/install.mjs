// Installs what package-lock.json names, when it isn't there yet.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string} root the folder of package-lock.json */
export function ensureInstalled(root) {
  const missing = missingPackages(root);
  if (missing.length === 0) return;
  const why = existsSync(join(root, 'node_modules'))
    ? `${missing.length} packages are missing or have another version than package-lock.json says`
    : 'this is the first start here';
  process.stderr.write(`tidemark: installing its packages with \`npm install\` (${why}; about 800 MB on disk) …\n`);
  // Not `npm ci`: it refuses a lock file that lacks the optional packages of other platforms, and those can be listed only
  // where a registry holds all of them. `--no-save` keeps to the lock file's versions and leaves it as it is.
  const result = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // npm's own words go to stderr, so that stdout stays the command's.
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
  });
  if (result.error || result.status !== 0) {
    const reason = result.error ? result.error.message : `npm ended with code ${result.status}`;
    throw new Error(
      `The packages could not be installed (${reason}). Fix: check the network and the npm registry, then run \`npm install\` in ${root}.`,
    );
  }
  const library = missingChdbLibrary(root);
  if (library) {
    throw new Error(
      `The chDB library for this platform was not installed. Fix: run \`npm install --no-save ${library}\` in ${root}.`,
    );
  }
}

/**
 * Compares package-lock.json with the list that npm keeps of what it installed. Packages for other platforms are
 * not missing.
 * @param {string} root
 * @returns {string[]} paths such as `node_modules/lmdb`
 */
export function missingPackages(root) {
  const wanted = lockedPackages(join(root, 'package-lock.json'));
  const installedList = join(root, 'node_modules', '.package-lock.json');
  const installed = existsSync(installedList) ? lockedPackages(installedList) : {};
  return Object.keys(wanted).filter((path) => {
    const entry = wanted[path];
    if (path === '' || entry.link || !path.includes('node_modules/')) return false;
    if (installed[path]) return installed[path].version !== entry.version;
    return !entry.optional && !entry.extraneous;
  });
}

function lockedPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/** chDB names its libraries as optional packages, so npm is silent when none fits; we aren't. */
function missingChdbLibrary(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'node_modules', 'chdb', 'package.json'), 'utf8'));
  const libraries = manifest.optionalDependencies;
  const suffix = process.platform === 'linux' ? '-gnu' : '';
  const name = `@chdb/lib-${process.platform}-${process.arch}${suffix}`;
  return existsSync(join(root, 'node_modules', name)) ? undefined : `${name}@${libraries[name]}`;
}
