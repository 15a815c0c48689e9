import { defineConfig } from "vitest/config";

const source = { conditions: ["@herorunner/source", "node"] };

/** Four suites, by what they need. See CONTRIBUTING.md, "Where a test lives". */
export default defineConfig({
  resolve: source,
  ssr: { resolve: source },
  test: {
    dangerouslyIgnoreUnhandledErrors: false,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts"],
          exclude: ["**/*.redis.test.ts"],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: "redis",
          include: ["packages/*/test/**/*.redis.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
