// What a machine must bring, checked before anything else is loaded. Old syntax only: see tidemark.mjs.

/** The platforms that chDB, LMDB and libsql all publish binaries for. */
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'darwin-x64'];

/**
 * @param {{ versions: { node: string }, platform: string, arch: string, report?: any }} host `process`, or a stand-in
 * @returns {{ code: string, sentence: string, fix: string } | undefined} the first thing missing
 */
export function requirementProblem(host) {
  const node = host.versions.node;
  const parts = node.split('.').map(Number);
  const fits = (parts[0] === 20 && parts[1] >= 19) || (parts[0] === 22 && parts[1] >= 12) || parts[0] >= 23;
  if (!fits) {
    return {
      code: 'node_version',
      sentence: `Tidemark needs Node 20.19 or later in line 20, or 22.12 and up; this is Node ${node}.`,
      fix: 'install the current long-term version from https://nodejs.org (or: nvm install 24).',
    };
  }
  if (PLATFORMS.indexOf(`${host.platform}-${host.arch}`) < 0) {
    return {
      code: 'platform',
      sentence: `The database inside Tidemark (chDB) does not run on ${host.platform} ${host.arch}.`,
      fix:
        host.platform === 'win32'
          ? 'run it inside WSL 2 with Debian or Ubuntu.'
          : `use one of: ${PLATFORMS.join(', ')}.`,
    };
  }
  if (host.platform === 'linux' && usesMusl(host)) {
    return {
      code: 'musl',
      sentence: 'The database inside Tidemark (chDB) needs glibc, and this system uses musl (Alpine?).',
      fix: 'use Debian, Ubuntu, Fedora or an image such as node:24-slim.',
    };
  }
  return undefined;
}

/** glibc writes its version into the diagnostic report, musl does not. */
function usesMusl(host) {
  if (!host.report) return false;
  // Without this the report resolves the names of open sockets, which can take seconds.
  host.report.excludeNetwork = true;
  const report = host.report.getReport();
  return !(report && report.header && report.header.glibcVersionRuntime);
}
