import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'tests/unit/**/*.test.ts', 'tests/simulation/**/*.test.ts'],
          testTimeout: 20_000,
          // Loading a Go module takes a second, and many where the machine has much else to do.
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'cluster',
          include: [
            'tests/scenarios/**/*.test.ts',
            'tests/cluster/**/*.test.ts',
            'tests/conformance/**/*.test.ts',
            'tests/faults/**/*.test.ts',
          ],
          // One control plane serves every file; it is built, started and stopped there.
          globalSetup: ['tests/cluster/global-setup.ts'],
          testTimeout: 90_000,
          hookTimeout: 90_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'embedded',
          include: ['tests/scenarios/**/*.test.ts'],
          globalSetup: ['tests/cluster/embedded-setup.ts'],
          testTimeout: 90_000,
          hookTimeout: 90_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'first-run',
          include: ['tests/first-run/**/*.test.ts'],
          testTimeout: 90_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
