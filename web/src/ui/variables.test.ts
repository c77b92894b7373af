import { expect, test } from "vitest";
import { detailsOf } from "./audit-details.ts";
import { scopeText, wishOf } from "./variable-wish.ts";

test("a value is taken as it was typed, and empty scopes are all", () => {
  const form = new FormData();
  form.set("name", " KEY ");
  form.set("value", " two\r\nlines ");
  form.set("branches", "");
  expect(wishOf(form)).toEqual({
    name: "KEY",
    pipeline: undefined,
    body: { value: " two\nlines ", protected: false, branches: null, events: null },
  });
});

test("one that is changed keeps its name and pipeline", () => {
  const form = new FormData();
  form.set("name", "OTHER");
  form.set("pipeline", "other");
  form.set("protected", "on");
  form.set("branches", "main  release/*");
  form.append("event", "push");
  expect(wishOf(form, { name: "KEY", pipeline: "deploy" })).toMatchObject({
    ...{ name: "KEY", pipeline: "deploy" },
    body: { protected: true, branches: ["main", "release/*"], events: ["push"] },
  });
});

test("scopes and details in words", () => {
  expect(scopeText({ pipeline: null, branches: null, events: null })).toBe("every job");
  const all = { pipeline: "deploy", branches: ["main"], events: ["push", "manual"] };
  expect(scopeText(all)).toBe("pipeline deploy; branches main; on push, manual");
  expect(detailsOf({ role: "owner", gone: null, list: [1] })).toBe("role: owner, list: [1]");
});
