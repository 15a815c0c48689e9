import { defineConfig } from "vitest/config";

const source = { conditions: ["@herorunner/source", "node"] };

/** Names a file to get the results as JSON too, beside what is shown; CI counts from it. */
const report = process.env["HERORUNNER_TEST_REPORT"];
const redisServer = ["test/support/global-setup.ts"];

/** Three suites, by what they need. See CONTRIBUTING.md, "Where a test lives". */
export default defineConfig({
  resolve: source,
  ssr: { resolve: source },
  test: {
    dangerouslyIgnoreUnhandledErrors: false,
    maxWorkers: 2,
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
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
          globalSetup: redisServer,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/**/*.test.ts"],
          globalSetup: redisServer,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
