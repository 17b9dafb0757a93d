import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { apiReference } from "./api-reference.ts";

test("docs/api is level with the docstrings (sh scripts/with-bun scripts/api-reference.ts writes it)", () => {
  for (const [path, text] of apiReference()) {
    expect(readFileSync(join(import.meta.dir, "..", path), "utf8"), path).toBe(text);
  }
});
