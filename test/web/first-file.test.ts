// What a person is told to copy must be right.

import { expect, test } from "vitest";
import { checkFile } from "../../src/config/check.ts";
import { firstFile } from "../../web/src/pages/start/first-file.ts";

test("the first file that the pages show has no problem", () => {
  const { problems } = checkFile(Buffer.from(firstFile), { dialect: "slipway", name: "slipway.yml" });
  expect(problems).toEqual([]);
});
