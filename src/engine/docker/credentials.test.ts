import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AskHelper, loginFinder } from "./credentials.ts";

let directory: string;
const warnings: string[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-logins-"));
  warnings.length = 0;
});

afterEach(() => rmSync(directory, { recursive: true }));

function finder(files: Record<string, unknown>, askHelper?: AskHelper) {
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return loginFinder({
    files: ["config.json", "auth.json"].map(name => join(directory, name)),
    warn: message => warnings.push(message),
    ...(askHelper === undefined ? {} : { askHelper }),
  });
}

const basic = (text: string) => ({ auth: Buffer.from(text).toString("base64") });

test("a login is found by the image's registry", async () => {
  const find = finder({ "config.json": { auths: { "r.example:5000": basic("me:pass:word") } } });
  expect(await find("r.example:5000/team/app:1")).toEqual({
    server: "r.example:5000",
    username: "me",
    password: "pass:word",
  });
  expect(await find("other.example/app")).toBeUndefined();
  expect(warnings).toEqual([]);
});

test("keys may be URLs", async () => {
  const find = finder({ "config.json": { auths: { "https://r.example/v1/": basic("me:p") } } });
  expect(await find("r.example/app")).toMatchObject({ username: "me" });
});

test.each(["alpine", "docker.io/library/alpine:3", "team/app@sha256:" + "0".repeat(64)])(
  "%s is of Docker Hub, under its old key",
  async image => {
    const find = finder({ "config.json": { auths: { "https://index.docker.io/v1/": basic("me:p") } } });
    expect(await find(image)).toMatchObject({ server: "https://index.docker.io/v1/", username: "me" });
  },
);

test("a token stands for user and password", async () => {
  const find = finder({ "config.json": { auths: { "r.example": { identitytoken: "T" } } } });
  expect(await find("r.example/a")).toEqual({ server: "r.example", identityToken: "T" });
});

test("a helper of the registry comes before the general one, and that before the file", async () => {
  const asked: string[] = [];
  const helper: AskHelper = async (name, server) => {
    asked.push(`${name} ${server}`);
    if (name === "empty") throw new Error("credentials not found in native keychain");
    return JSON.stringify({ ServerURL: server, Username: name, Secret: "s" });
  };
  const config = {
    credHelpers: { "ecr.example": "ecr-login" },
    credsStore: "desktop",
    auths: { "ecr.example": basic("file:p"), "r.example": {} },
  };
  const find = finder({ "config.json": config }, helper);
  expect(await find("ecr.example/a")).toMatchObject({ username: "ecr-login" });
  expect(await find("r.example/a")).toMatchObject({ username: "desktop", password: "s" });
  expect(asked).toEqual(["ecr-login ecr.example", "desktop r.example"]);
  const none = finder({ "config.json": { ...config, credHelpers: {}, credsStore: "empty" } }, helper);
  expect(await none("ecr.example/a")).toMatchObject({ username: "file" });
  expect(warnings).toEqual([]);
});

test("a helper's token is one", async () => {
  const helper: AskHelper = async () => JSON.stringify({ Username: "<token>", Secret: "T" });
  const find = finder({ "config.json": { credsStore: "x" } }, helper);
  expect(await find("r.example/a")).toEqual({ server: "r.example", identityToken: "T" });
});

test("a helper that is not installed is told of, and the image is asked for without a login", async () => {
  const find = finder({ "config.json": { credsStore: "slipway-test-that-is-nowhere" } });
  expect(await find("r.example/a")).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining("docker-credential-slipway-test-that-is-nowhere")]);
});

test("a helper's name cannot lead elsewhere", async () => {
  const find = finder({ "config.json": { credsStore: "../../bin/sh" } }, async () => {
    throw new Error("was asked");
  });
  expect(await find("r.example/a")).toBeUndefined();
  expect(warnings[0]).toContain("not the name of a credential helper");
});

test("Podman's file is asked after Docker's", async () => {
  const find = finder({ "auth.json": { auths: { "r.example": basic("pod:p") } } });
  expect(await find("r.example/a")).toMatchObject({ username: "pod" });
});

test.each([
  "{",
  "[]",
  "null",
  '"text"',
  '{"auths": 3}',
  '{"auths": {"r.example": null}}',
  '{"auths": {"r.example": {"auth": 7}}}',
])("a damaged file gives no login: %s", async content => {
  expect(await finder({ "config.json": content })("r.example/a")).toBeUndefined();
});
