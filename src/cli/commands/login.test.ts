import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { callProgram } from "../fixtures/call-program.ts";
import { Refused, type StandInAnswers, startStandIn } from "../fixtures/stand-in-server.ts";

const person = { name: "somebody", admin: false, organisations: [], csrf: null };
const token = {
  ...{ id: 9, kind: "personal", name: "x", role: null, classes: [], expiresAt: null, lastUsedAt: null },
  ...{ createdAt: "2026-01-02T03:04:05.000Z", secret: "swp_made" },
};
const home = () => mkdtempSync(path.join(os.tmpdir(), "slipway-login-"));
const fileIn = (directory: string) => path.join(directory, ".config", "slipway", "servers.json");
const kept = (directory: string) =>
  JSON.parse(readFileSync(fileIn(directory), "utf8")) as {
    current?: string;
    servers: Record<string, unknown>[];
  };

test("a token that is piped in is tried, and kept where only its owner reads it", async () => {
  const HOME = home();
  await using server = await startStandIn({ whoAmI: () => person });
  const args = ["login", `${server.url}/`, "--token-stdin", "--name", "ci"];
  const ended = await callProgram(args, { env: { HOME }, input: "swp_typed\n" });
  expect(ended).toMatchObject({ code: 0, stdout: `signed in to ${server.url} as somebody\n` });
  expect(server.asked[0]!.headers.authorization).toBe("Bearer swp_typed");
  expect(ended.stdout + ended.stderr).not.toContain("swp_typed");
  expect(statSync(fileIn(HOME)).mode & 0o777).toBe(0o600);
  expect(kept(HOME)).toEqual({
    current: "ci",
    servers: [{ name: "ci", url: server.url, user: "somebody", token: "swp_typed" }],
  });
  const listed = await callProgram(["servers", "--json"], { env: { HOME } });
  expect(JSON.parse(listed.stdout)).toEqual({ name: "ci", url: server.url, user: "somebody", current: true });
  const left = await callProgram(["logout"], { env: { HOME } });
  expect(left.stdout).toContain("until it is revoked");
  expect(kept(HOME).servers).toEqual([]);
  expect((await callProgram(["logout"], { env: { HOME } })).code).toBe(2);
});

test("a token that the server does not know is not kept", async () => {
  const HOME = home();
  await using server = await startStandIn({
    whoAmI: () => new Refused(401, { code: "token", detail: "unknown" }),
  });
  const ended = await callProgram(["login", server.url], { env: { HOME }, input: "swp_wrong" });
  expect(ended.code).toBe(1);
  expect(() => kept(HOME)).toThrow("ENOENT");
  expect((await callProgram(["login", server.url], { env: { HOME }, input: "\n" })).code).toBe(2);
});

test("by name and password a token is made, and logout revokes it", async () => {
  const HOME = home();
  const answers: StandInAnswers = {
    signIn: ({ body }) =>
      (body as { password: string }).password === "the right password"
        ? { ...person, csrf: "proof" }
        : new Refused(401, { code: "sign-in", detail: "wrong" }),
    createToken: () => token,
    signOut: () => undefined,
    whoAmI: () => person,
    revokeToken: () => undefined,
  };
  await using server = await startStandIn(answers);
  const typed = (password: string) => ({ env: { HOME }, typed: ["somebody\r", `${password}\r`] });
  const wrong = await callProgram(["login", server.url], typed("no"));
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("name or password are wrong") });
  const ended = await callProgram(["login", server.url], typed("the right password"));
  expect(ended).toMatchObject({ code: 0 });
  expect(ended.stdout + ended.stderr).not.toContain("the right password");
  const asked = server.asked.map(({ id }) => id);
  expect(asked.slice(-4)).toEqual(["signIn", "createToken", "signOut", "whoAmI"]);
  expect(server.asked.find(({ id }) => id === "createToken")!.headers["x-slipway-csrf"]).toBe("proof");
  expect(kept(HOME).servers[0]).toMatchObject({ token: "swp_made", tokenId: 9 });
  const left = await callProgram(["logout"], { env: { HOME } });
  expect(left.stdout).not.toContain("until it is revoked");
  expect(server.asked.at(-1)).toMatchObject({ id: "revokeToken", params: { token: 9 } });
});

test("Ctrl-D and Ctrl-C are no answer, and nothing hangs", async () => {
  await using server = await startStandIn({});
  for (const key of ["\u0004", "\u0003"]) {
    const ended = await callProgram(["login", server.url], { env: { HOME: home() }, typed: [key] });
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining("nothing was typed") });
  }
});

test.each([
  ["ci.example.org", "no address of a server"],
  ["ftp://ci.example.org", "no address of a server"],
  ["https://somebody:secret@ci.example.org", "neither user, password nor question"],
  ["https://ci.example.org/?a=b", "neither user, password nor question"],
])("%s is refused", async (address, message) => {
  const ended = await callProgram(["login", address], { env: { HOME: home() }, input: "swp_x" });
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});

test.each([
  ["http://localhost.example.org:1", true],
  ["http://127.0.0.1.example.org:1", true],
  ["http://127.0.0.1:1", false],
  ["http://[::1]:1", false],
  ["http://localhost:1", false],
])("%s: what is not encrypted is said, but of loopback", async (address, said) => {
  const ended = await callProgram(["login", address], { env: { HOME: home() }, input: "" });
  expect(ended.stderr.includes("not encrypted")).toBe(said);
});

test("a server of another version is told of, and certificates that cannot be read", async () => {
  const HOME = home();
  await using server = await startStandIn({ whoAmI: () => person });
  server.extra["/api/v1/openapi.json"] = { info: { title: "Slipway", version: "9.9.9" } };
  const ended = await callProgram(["login", server.url], { env: { HOME }, input: "swp_x" });
  expect(ended.stderr).toContain("the server is version 9.9.9, this program 0.0.0-test");
  const file = path.join(HOME, "ca.pem");
  writeFileSync(file, "no certificate");
  for (const name of [file, "/nowhere"]) {
    const refused = await callProgram(["workers"], {
      env: { HOME, SLIPWAY_CA_FILE: name },
    });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("SLIPWAY_CA_FILE") });
  }
});

test("before a password is asked for, it is looked whether a Slipway server answers", async () => {
  await using server = await startStandIn({ signIn: () => person });
  const typed = ["somebody\r", "the right password\r"];
  const env = { HOME: home() };
  server.extra["/api/v1/openapi.json"] = { hello: "there" };
  const other = await callProgram(["login", server.url], { env, typed });
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("no Slipway server") });
  await using redirecting = await startStandIn({});
  redirecting.redirect = "https://ci.example.org";
  const moved = await callProgram(["login", redirecting.url], { env, typed });
  expect(moved).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("leads to https://ci.example.org\n"),
  });
  const away = await callProgram(["login", "http://127.0.0.1:1"], { env, typed });
  expect(away).toMatchObject({ code: 3, stderr: expect.stringContaining("does not answer") });
  expect(server.asked).toEqual([]);
});
