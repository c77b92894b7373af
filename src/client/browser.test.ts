import path from "node:path";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";

test("the client is one small file for browsers: nothing of Node, no schema, no package", async () => {
  const bundle = await rolldown({ input: path.join(import.meta.dirname, "client.ts"), platform: "browser" });
  const { output } = await bundle.generate({ format: "esm", minify: true });
  await bundle.close();
  const [chunk, ...others] = output;
  expect(others).toEqual([]);
  expect([...chunk.imports, ...chunk.dynamicImports]).toEqual([]);
  expect(chunk.exports.sort()).toEqual(["ApiProblem", "Secret", "SlipwayError", "createClient"]);
  expect(chunk.code.length).toBeLessThan(20_000);
  expect(chunk.code).not.toMatch(/\bprocess\b|\bBuffer\b|\brequire\b/);
});
