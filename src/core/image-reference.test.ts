import fc from "fast-check";
import { expect, test } from "vitest";
import { formatImage, isTag, parseImageReference, repositoryOf } from "./image-reference.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

function parsed(text: string) {
  const result = parseImageReference(text);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

test.each([
  ["alpine", "docker.io/library/alpine:latest"],
  ["alpine:3.20", "docker.io/library/alpine:3.20"],
  ["a/b", "docker.io/a/b:latest"],
  ["a/b/c", "docker.io/a/b/c:latest"],
  ["docker.io/alpine", "docker.io/library/alpine:latest"],
  ["index.docker.io/alpine", "docker.io/library/alpine:latest"],
  ["index.docker.io/a/b", "docker.io/a/b:latest"],
  ["quay.io/a", "quay.io/a:latest"],
  ["localhost/a", "localhost/a:latest"],
  ["localhost:5000/a:1", "localhost:5000/a:1"],
  ["host:5000/a/b", "host:5000/a/b:latest"],
  ["127.0.0.1:5000/a", "127.0.0.1:5000/a:latest"],
  ["[::1]:5000/a", "[::1]:5000/a:latest"],
  ["aX/B:Tag", "docker.io/ax/b:Tag"],
  ["R.com/A", "r.com/a:latest"],
  ["a__b/c-d--e.f_g", "docker.io/a__b/c-d--e.f_g:latest"],
  [`alpine@${digest}`, `docker.io/library/alpine@${digest}`],
  [`alpine:3@${digest}`, `docker.io/library/alpine@${digest}`],
])("%s is %s", (text, image) => {
  expect(formatImage(parsed(text))).toBe(image);
  expect(formatImage(parsed(image))).toBe(image);
});

test("the parts of a reference", () => {
  expect(parsed("localhost:5000/a/b:1")).toEqual({
    domain: "localhost:5000",
    explicitDomain: true,
    path: "a/b",
    tag: "1",
  });
  expect(parsed("alpine")).toEqual({ domain: "docker.io", explicitDomain: false, path: "library/alpine" });
  expect(repositoryOf(parsed("alpine:1"))).toBe("docker.io/library/alpine");
});

test.each([
  ["", "it has no name"],
  [":tag", "it has no name"],
  ["alpine:", '"" is not a tag'],
  ["alpine:a b", "is not a tag"],
  ["alpine:-x", "is not a tag"],
  [`alpine:${"x".repeat(129)}`, "is not a tag"],
  ["https://r.com/a", "it is a URL"],
  ["a//b", "lower-case letters"],
  ["/a", "lower-case letters"],
  ["a/", "lower-case letters"],
  ["-a", "lower-case letters"],
  ["a_", "lower-case letters"],
  ["a..b", "lower-case letters"],
  ["é", "lower-case letters"],
  ["a b", "lower-case letters"],
  ["$IMAGE", "lower-case letters"],
  ["a.b-/c", "lower-case letters"],
  ["f".repeat(64), "image id"],
  ["x".repeat(256), "lower-case letters"],
  ["x".repeat(2000), "too long"],
  ["a@sha256:abc", "not a digest"],
  ["a@b@c", "not a digest"],
  [`a@md5:${"0".repeat(32)}`, "not a digest"],
])("%s is refused: %s", (text, why) => {
  const result = parseImageReference(text);
  expect(result.ok).toBe(false);
  expect(result.ok || result.refusal.message).toContain(why);
});

test("tags", () => {
  expect(["latest", "1.0-RC_1", "_x", "A"].map(isTag)).toEqual([true, true, true, true]);
  expect(["", ".a", "a/b", "a:b", "a\n", "é"].some(isTag)).toBe(false);
});

test("what is accepted reads the same when it is read again", () => {
  const text = fc.string({ unit: fc.constantFrom(..."aB1.:/_-@[]"), maxLength: 20 });
  fc.assert(
    fc.property(text, written => {
      const result = parseImageReference(written);
      if (!result.ok) return;
      const again = parsed(formatImage(result.value));
      expect(formatImage(again)).toBe(formatImage(result.value));
      expect(repositoryOf(again)).toBe(repositoryOf(result.value));
    }),
    { numRuns: 2000 },
  );
});
