import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['tidemark-source'] },
  ssr: { resolve: { conditions: ['tidemark-source'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'sdks/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'tests/**/*.test.ts'],
    setupFiles: ['tests/one-seed.ts'],
    // chDB allows one data folder per process, and its threads must not be torn down: one process a file.
    pool: 'forks',
    // On two cores: much of the suite's time is waiting for disks, timers and processes (measured: 166 % of a core with three).
    maxWorkers: 4,
    // What waits ends when what it waits for is there; these bounds are for what never comes. A busy machine has been seen at a
    // tenth of its speed for half a minute, with disks that stood still for seconds.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
