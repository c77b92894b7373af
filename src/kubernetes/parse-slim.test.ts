// Whatever is read is what was written; only the first managedFields may be missing.

import fc from "fast-check";
import { expect, test } from "vitest";
import { parseSlim } from "./parse-slim.ts";

/** What could be taken for the begin or the end of the list. */
const tricky = ["]}", '],"', '}]},"', ',"managedFields":[', '"', "\\", "[", "{", "}]"];
const text = fc.array(fc.oneof(fc.constantFrom(...tricky), fc.string({ maxLength: 3 })), { maxLength: 4 });
const { any } = fc.letrec(tie => ({
  any: fc.oneof(
    { maxDepth: 6 },
    text.map(parts => parts.join("")),
    fc.integer(),
    fc.constant(null),
    fc.array(tie("any"), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(
        fc.constantFrom("managedFields", "metadata", "a"),
        text.map(parts => parts.join("")),
      ),
      tie("any"),
      { maxKeys: 4 },
    ),
  ),
}));

function isLike(read: unknown, written: unknown, lost: { count: number }): boolean {
  if (typeof read !== "object" || read === null || typeof written !== "object" || written === null)
    return read === written;
  const keys = Object.keys(written);
  for (const key of keys) {
    if (key === "managedFields" && !Object.hasOwn(read, key)) lost.count++;
    else if (!Object.hasOwn(read, key)) return false;
    else if (!isLike(Reflect.get(read, key), Reflect.get(written, key), lost)) return false;
  }
  return Object.keys(read).every(key => keys.includes(key));
}

test("nothing but one managedFields is ever lost", () => {
  let cut = 0;
  fc.assert(
    fc.property(any, value => {
      const lost = { count: 0 };
      const same = isLike(parseSlim(JSON.stringify(value)), JSON.parse(JSON.stringify(value)), lost);
      cut += lost.count;
      return same && lost.count <= 1;
    }),
    { numRuns: 20_000 },
  );
  expect(cut).toBeGreaterThan(20);
});

test("of a Pod as servers write it they are lost", () => {
  const managedFields = [{ manager: "x", fieldsV1: { "f:spec": { 'k:{"a":"]"}': { ".": {} } } } }];
  const pod = { metadata: { name: "a", managedFields }, spec: { args: ["]}"] }, status: {} };
  const { spec, status } = pod;
  expect(parseSlim(JSON.stringify(pod))).toEqual({ metadata: { name: "a" }, spec, status });
});

test("what is no JSON is refused, also where fields were cut out of it", () => {
  expect(() => parseSlim('{"metadata":{"name":"a","managedFields":[{}]}')).toThrow(SyntaxError);
  expect(() => parseSlim('{"a":1,"managedFields":[')).toThrow(SyntaxError);
});
