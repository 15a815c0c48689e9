import { defineConfig } from "vitest/config";

const source = { conditions: ["@herorunner/source", "node"] };

/** Names a file to get the results as JSON too, beside what is shown; CI counts from it. */
const report = process.env["HERORUNNER_TEST_REPORT"];
/** For what never comes: a busy machine takes ten times as long as a quiet one. Promises about time are assertions. */
const patience = { testTimeout: 300_000, hookTimeout: 300_000 };
const redisServer = ["test/support/global-setup.ts"];

/** Three suites, by what they need. See CONTRIBUTING.md, "Where a test lives". */
export default defineConfig({
  resolve: source,
  ssr: { resolve: source },
  test: {
    dangerouslyIgnoreUnhandledErrors: false,
    maxWorkers: 2,
    expect: { poll: { timeout: 40_000 } },
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts"],
          exclude: ["**/*.redis.test.ts"],
          ...patience,
        },
      },
      {
        extends: true,
        test: {
          name: "redis",
          include: ["packages/*/test/**/*.redis.test.ts"],
          globalSetup: redisServer,
          ...patience,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/**/*.test.ts"],
          globalSetup: redisServer,
          ...patience,
        },
      },
    ],
  },
});
