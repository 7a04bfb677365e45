// For R2's other side: the same server with the log's fsync left out (LMDB's MDB_NOSYNC), and nothing else changed.
// Says so on stderr, so that the measure can tell that it took effect.
const { createRequire } = require('node:module');

if (process.argv[1]?.includes('collector-process')) {
  const lmdb = createRequire(process.argv[1])('lmdb');
  const { open } = lmdb;
  lmdb.open = (pathOrOptions, options) => {
    process.stderr.write('bench: the log is opened without fsync\n');
    return options === undefined ? open({ ...pathOrOptions, noSync: true }) : open(pathOrOptions, { ...options, noSync: true });
  };
}
