import { expect, test } from "vitest";
import { bareStepName, displayNameOf, stepIdFault } from "./step-name.ts";

test.each([
  ["script", "script"],
  ["npm-install", "npm-install"],
  ["me/slack", "slack"],
  ["me/slack@1.0.0", "slack"],
  ["slack@~1.0", "slack"],
  ["internal/docker-push", "docker-push"],
  ['foo "https://host/a/b.tar.gz"', "foo"],
  ['me/foo@1 "file:///x"', "foo"],
  ["a/b/c", "b/c"],
])("%s is called %s", (ref, name) => {
  expect(bareStepName(ref)).toBe(name);
  expect(displayNameOf({ ref })).toBe(name);
  expect(displayNameOf({ ref, displayName: "shown" })).toBe("shown");
});

test("docker-run and docker-kill are always called the same", () => {
  expect(displayNameOf({ ref: "internal/docker-run", displayName: "db" })).toBe("docker run");
  expect(displayNameOf({ ref: "internal/docker-kill" })).toBe("docker kill");
});

test("ids that cannot be steps", () => {
  for (const good of ["a", "a/b@1", 'a "http://x y"', "a@^1.0"])
    expect(stepIdFault(good), good).toBeUndefined();
  for (const bad of ["npm install", "a@", "a@1/b", "a@1@2", 'a "b" c'])
    expect(stepIdFault(bad), bad).toBeDefined();
});
