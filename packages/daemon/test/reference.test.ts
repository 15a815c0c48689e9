import { expect, test } from "vitest";
import { configurationReference } from "../src/index.ts";
import { sample } from "./support/sample-program.ts";

const page = configurationReference([sample]);

test("every option of every command has a row with its variable", () => {
  for (const command of Object.values(sample.commands)) {
    for (const { flag } of Object.values(command.options)) {
      expect(page).toMatch(new RegExp(`--${flag}[ \`].*SAMPLE_${flag.toUpperCase().replaceAll("-", "_")}\``));
    }
  }
  expect(page).toContain(
    "| `--admin-secret-file FILE` | `SAMPLE_ADMIN_SECRET_FILE` | | Reads `--admin-secret` from this file. |",
  );
});

test("defaults, limits and foreign variables are told", () => {
  expect(page).toContain(
    "| `-c, --concurrency N` | `SAMPLE_CONCURRENCY` | `1` | Jobs at once. A whole number from 1 to 64. |",
  );
  expect(page).toContain(
    "| `--log-level INFO\\|DEBUG\\|ERROR` | `SAMPLE_LOG_LEVEL`, else `RUST_LOG` | `INFO` | How much to log. |",
  );
});

test("each table is well formed: as many cells in each row as in its head", () => {
  const cells = (line: string) => line.replaceAll("\\|", "").split("|").length;
  let head: number | undefined;
  for (const line of page.split("\n")) {
    if (!line.startsWith("|")) head = undefined;
    else head ??= cells(line);
    if (head !== undefined) expect({ line, cells: cells(line) }).toEqual({ line, cells: head });
  }
});
