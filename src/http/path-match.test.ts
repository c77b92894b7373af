import fc from "fast-check";
import { expect, test } from "vitest";
import { createPathTree } from "./path-match.ts";

const treeOf = (...templates: string[]) => {
  const tree = createPathTree<string>();
  for (const template of templates) tree.add("GET", template, template);
  return tree;
};

test("what is literal goes before what is a parameter, in any order of adding", () => {
  for (const tree of [treeOf("/runs/{run}", "/runs/latest"), treeOf("/runs/latest", "/runs/{run}")]) {
    expect(tree.find("/runs/latest")?.values.get("GET")).toBe("/runs/latest");
    expect(tree.find("/runs/12")?.params).toEqual({ run: "12" });
  }
});

test("a literal that leads nowhere does not hide a parameter that does", () => {
  const tree = treeOf("/a/b/c", "/a/{x}/d");
  expect(tree.find("/a/b/d")).toMatchObject({ params: { x: "b" } });
});

test.each(["/runs", "/runs/", "/runs/1/", "/runs//jobs", "//runs/1", "/runs/%zz", "/runs/%ff", "", "runs/1"])(
  "nothing is at '%s'",
  path => {
    expect(treeOf("/runs/{run}", "/runs/{run}/jobs").find(path)).toBeUndefined();
  },
);

test("a slash or dots that were encoded stay in their parameter", () => {
  const tree = treeOf("/runs/{run}", "/files/{path...}");
  expect(tree.find("/runs/..%2f..%2fx")?.params).toEqual({ run: "../../x" });
  expect(tree.find("/files/a/%2e%2e/b")?.params).toEqual({ path: "a/../b" });
});

test("two names for one place and a declaration twice are mistakes of ours", () => {
  expect(() => treeOf("/a/{x}", "/a/{y}/b")).toThrow(/\{y\} is called \{x\} elsewhere/);
  expect(() => treeOf("/a/{x}", "/a/{x}")).toThrow(/declared twice/);
});

const literal = fc.string({ unit: fc.constantFrom(..."abcxyz-"), minLength: 1, maxLength: 4 });
const part = fc.oneof(
  literal.map(text => ({ kind: "literal" as const, text })),
  fc.nat(1000).map(() => ({ kind: "parameter" as const, text: "" })),
);

test("any template finds any values that are put into it", () => {
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 6 }),
      fc.array(fc.string({ unit: "grapheme", minLength: 1 }), { minLength: 6, maxLength: 6 }),
      fc.boolean(),
      (parts, values, hasRest) => {
        const wanted: Record<string, string> = {};
        const names = parts.map(({ kind, text }, at) => {
          if (kind === "literal") return { template: text, path: text };
          wanted[`p${at}`] = values[at]!;
          return { template: `{p${at}}`, path: encodeURIComponent(values[at]!) };
        });
        if (hasRest) {
          wanted.rest = `${values[0]}/${values[1]}`;
          names.push({
            template: "{rest...}",
            path: `${encodeURIComponent(values[0]!)}/${encodeURIComponent(values[1]!)}`,
          });
        }
        const template = names.map(each => `/${each.template}`).join("");
        const found = treeOf(template).find(names.map(each => `/${each.path}`).join(""));
        expect(found?.values.get("GET")).toBe(template);
        expect(found?.params).toEqual(wanted);
      },
    ),
  );
});

test("any path finds something or nothing, quickly, and never fails", () => {
  const tree = treeOf("/{a}/{b}/{c}", "/{a}/x/{c}", "/x/{b}/{c}/d", "/x/{rest...}", "/{a}/{b}/{c}/{e}/f");
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom("x", "", "d", "..", "%2F", "%", "__proto__"), fc.string())),
      parts => {
        const found = tree.find(`/${parts.join("/")}`);
        if (found !== undefined) expect(found.values.size).toBeGreaterThan(0);
      },
    ),
  );
  const began = performance.now();
  expect(tree.find(`${"/x".repeat(50_000)}`)?.params.rest?.length).toBeGreaterThan(90_000);
  expect(performance.now() - began).toBeLessThan(2000);
});
