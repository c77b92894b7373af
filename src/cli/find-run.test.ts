import fc from "fast-check";
import { expect, test } from "vitest";
import { UsageError } from "./context.ts";
import { readRun, sameRepository } from "./find-run.ts";

test.each([
  ["00000000000000000000000a", { id: "00000000000000000000000a" }],
  ["123456789012345678901234", { id: "123456789012345678901234" }],
  ["12", { number: 12, project: undefined }],
  ["#12", { number: 12, project: undefined }],
  ["latest", { number: "latest", project: undefined }],
  ["shop#3", { number: 3, project: "shop" }],
  ["main/shop#3", { number: 3, project: "main/shop" }],
  ["main/shop#latest", { number: "latest", project: "main/shop" }],
])("%s names a run", (word, named) => {
  expect(readRun(word)).toEqual(named);
});

test.each(["", "0", "-1", "1.5", "main/shop", "main/shop5", "shop#", "a#b#1", "#", " 1", "1e3"])(
  "%j is no run",
  word => {
    expect(() => readRun(word)).toThrow(UsageError);
  },
);

test("any word is a run or a mistake that is told", () => {
  fc.assert(
    fc.property(fc.string(), word => {
      try {
        const named = readRun(word);
        expect("id" in named || named.number === "latest" || Number.isSafeInteger(named.number)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
      }
    }),
  );
});

test.each([
  ["https://git.example.org/team/shop.git", "git@git.example.org:team/shop.git"],
  ["https://git.example.org/team/shop", "https://user:token@git.example.org/team/shop.git/"],
  ["ssh://git@git.example.org:2222/team/shop.git", "git@git.example.org:team/shop"],
  ["https://Git.Example.org/team/shop", "https://git.example.org/team/shop"],
  ["file:///srv/git/shop.git", "/srv/git/shop.git"],
])("%s and %s are one repository", (one, other) => {
  expect(sameRepository(one, other)).toBe(true);
});

test.each([
  ["https://git.example.org/team/shop", "https://git.example.org/team/Shop"],
  ["https://git.example.org/team/shop", "https://git.example.com/team/shop"],
  ["https://git.example.org/team/shop", "https://git.example.org/team/shop2"],
])("%s and %s are two", (one, other) => {
  expect(sameRepository(one, other)).toBe(false);
});
