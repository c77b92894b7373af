import { expect, test } from "vitest";
import { registryAuthHeader, registryConfigHeader } from "./registry-auth.ts";

function decoded(header: string | undefined): unknown {
  // As the daemon's decoder wants it: the URL alphabet, and padding.
  expect(header).toMatch(/^[A-Za-z0-9_-]+={0,2}$/);
  expect(header!.length % 4).toBe(0);
  return JSON.parse(Buffer.from(header!, "base64url").toString("utf8"));
}

test("credentials of every length come with padding, in the URL alphabet", () => {
  for (const password of ["a", "ab", "abc", "abcd", "~~~???>>>", "ünïcödé"]) {
    const login = { server: "r.example:5000", username: "me", password };
    const wire = { username: "me", password, serveraddress: "r.example:5000" };
    expect(decoded(registryAuthHeader(login)["x-registry-auth"])).toEqual(wire);
    expect(decoded(registryConfigHeader([login])["x-registry-config"])).toEqual({ "r.example:5000": wire });
  }
});

test("a token stands in for user and password; without a login the header is an empty object", () => {
  const login = { server: "r.example", identityToken: "tok" };
  expect(decoded(registryAuthHeader(login)["x-registry-auth"])).toEqual({
    identitytoken: "tok",
    serveraddress: "r.example",
  });
  expect(decoded(registryAuthHeader(undefined)["x-registry-auth"])).toEqual({});
});
