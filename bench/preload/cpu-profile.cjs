// For `npm run bench -- profile`: SIGUSR2 starts V8's profiler in this process, the next one writes what it saw to
// TIDEMARK_BENCH_PROFILES/<role>.cpuprofile.
const { writeFileSync, renameSync } = require('node:fs');
const { Session } = require('node:inspector');
const { join } = require('node:path');

const role = /(\w+)-process\.mjs$/.exec(process.argv[1] ?? '')?.[1];
if (role !== undefined) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: 500 });
  let running = false;
  process.on('SIGUSR2', () => {
    if (!running) session.post('Profiler.start');
    else
      session.post('Profiler.stop', (error, { profile } = {}) => {
        if (error) throw error;
        const file = join(process.env.TIDEMARK_BENCH_PROFILES, `${role}.cpuprofile`);
        writeFileSync(`${file}.part`, JSON.stringify(profile));
        renameSync(`${file}.part`, file);
      });
    running = !running;
  });
}
