import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { Secret } from "../core/secret.ts";
import { contextsFile, listContexts, removeContext, saveContext, useContext } from "./server-contexts.ts";

const place = () => ({ XDG_CONFIG_HOME: mkdtempSync(path.join(os.tmpdir(), "slipway-contexts-")) });
const context = (name: string, token = `swp_${name}`) => ({
  name,
  url: `https://${name}.example.org`,
  user: "somebody",
  token: new Secret(token),
});
const modeOf = (file: string) => statSync(file).mode & 0o777;

test("contexts are kept, chosen, replaced and removed, in a file of one's own", () => {
  const env = place();
  expect(listContexts(env)).toEqual({ current: undefined, servers: [], mended: [] });
  saveContext(env, context("one"));
  saveContext(env, { ...context("two"), tokenId: 7 });
  expect(modeOf(contextsFile(env))).toBe(0o600);
  expect(modeOf(path.dirname(contextsFile(env)))).toBe(0o700);
  expect(readdirSync(path.dirname(contextsFile(env)))).toEqual(["servers.json"]);
  expect(useContext(env, "three")).toBe(false);
  expect(useContext(env, "one")).toBe(true);
  saveContext(env, context("two", "swp_new"));
  const { current, servers } = listContexts(env);
  expect(current).toBe("two");
  expect(servers.map(({ name, token }) => [name, token.reveal()])).toEqual([
    ["one", "swp_one"],
    ["two", "swp_new"],
  ]);
  expect(removeContext(env, "two")).toBe(true);
  expect(removeContext(env, "two")).toBe(false);
  expect(listContexts(env).current).toBe("one");
});

test("a file that others can read is closed, and it is said", () => {
  const env = place();
  saveContext(env, context("one"));
  chmodSync(contextsFile(env), 0o644);
  chmodSync(path.dirname(contextsFile(env)), 0o755);
  const { mended, servers } = listContexts(env);
  expect(mended).toHaveLength(2);
  expect(mended[1]).toContain("servers.json");
  expect(servers).toHaveLength(1);
  expect(modeOf(contextsFile(env))).toBe(0o600);
  expect(modeOf(path.dirname(contextsFile(env)))).toBe(0o700);
  expect(listContexts(env).mended).toEqual([]);
});

test.each(["no json", "null", "[]", '{"servers":[null]}', '{"servers":[{"name":1}]}'])(
  "a file with %s is refused and stays as it is",
  text => {
    const env = place();
    mkdirSync(path.dirname(contextsFile(env)), { mode: 0o700 });
    writeFileSync(contextsFile(env), text, { mode: 0o600 });
    expect(() => listContexts(env)).toThrow("no list of servers");
    expect(() => saveContext(env, context("one"))).toThrow("no list of servers");
    expect(readFileSync(contextsFile(env), "utf8")).toBe(text);
  },
);
