import fc from "fast-check";
import { expect, test } from "vitest";
import { isRef, parseRepository } from "./repository-address.ts";

test.each([
  ["https://host/a/b.git", "https://host/a/b.git", "http", "host"],
  ["https://someone@host:8443/a", "https://someone@host:8443/a", "http", "host:8443"],
  ["ssh://git@host:2222/a/b", "ssh://git@host:2222/a/b", "ssh", "host:2222"],
  ["git@host:a/b.git", "git@host:a/b.git", "ssh", "host"],
  ["https://[::1]:8080/a", "https://[::1]:8080/a", "http", "[::1]:8080"],
])("%s", (text, url, kind, host) => {
  expect(parseRepository(text, false)).toMatchObject({ ok: true, value: { url, kind, host } });
});

test.each([
  "",
  "-u",
  "--upload-pack=touch x",
  "ext::sh -c x",
  "git@host:-x",
  "ssh://-oProxyCommand=x/a",
  "ssh://git@-oProxyCommand=x/a",
  "-oProxyCommand=x:a",
  "https://host'x/a",
  "https://host/a b",
  "https://host/a\nb",
  "ftp://host/a",
  "a/b",
])("%j is no address", text => {
  expect(parseRepository(text, true)).toMatchObject({ ok: false, refusal: { code: "repository-address" } });
});

test("a password in the address is refused and not repeated", () => {
  const parsed = parseRepository("https://someone:s3cret@host/a", false);
  expect(parsed).toMatchObject({ ok: false, refusal: { code: "repository-password" } });
  expect(JSON.stringify(parsed)).not.toContain("s3cret");
});

test("a path of this machine is taken only where that is allowed", () => {
  for (const text of ["/srv/a", "file:///srv/a"]) {
    expect(parseRepository(text, true)).toMatchObject({ ok: true, value: { url: text, kind: "file" } });
    expect(parseRepository(text, false)).toMatchObject({ refusal: { code: "repository-file" } });
  }
});

test("what is accepted can be no option and no command, whatever is tried", () => {
  const pieces = fc.constantFrom(
    "-",
    "ext::",
    "ssh://",
    "https://",
    "@",
    ":",
    "/",
    "h",
    "o.x",
    "'",
    '"',
    " ",
    "\n",
    "%",
    "[",
    "]",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), parts => {
      const parsed = parseRepository(parts.join(""), false);
      if (!parsed.ok) return;
      expect(parsed.value.url).not.toMatch(/^-|::[^\]]|\s|^ext/);
      expect(parsed.value.host).toMatch(/^[\w.:[\]-]+$/);
      expect(parsed.value.host).not.toMatch(/^-/);
    }),
  );
});

test("names of refs", () => {
  for (const good of ["refs/heads/main", "refs/heads/a/b-c", "refs/tags/v1.0", "refs/heads/ünï"])
    expect(isRef(good)).toBe(true);
  for (const bad of [
    "main",
    "-x",
    "refs/heads/-x",
    "refs/heads/a..b",
    "refs/heads/a b",
    "refs/heads/",
    "refs/heads/x.lock",
    "refs/heads/a:b",
    "refs/heads/+a:b",
    "refs/heads/a*",
  ]) {
    expect([bad, isRef(bad)]).toEqual([bad, false]);
  }
});
