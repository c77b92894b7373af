import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { flagKey } from "../../cli/flags.ts";
import { serverFlags } from "../../cli/server-flags.ts";
import { flagOf, readSettings, schema, secretSettings, shownSettings, variableOf } from "./settings.ts";
import { settingsTable } from "./settings-table.ts";

const root = path.join(import.meta.dirname, "..", "..", "..");

function fileWith(text: string): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), "slipway-settings-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, "slipway.yml");
  writeFileSync(file, text);
  return file;
}

test("without anything every setting has its default", () => {
  const read = readSettings({ flags: {}, env: {} });
  expect(read).toMatchObject({
    ok: true,
    value: { settings: { listen: "127.0.0.1:8080", roles: ["api", "logs", "reporter", "worker"] } },
  });
});

test("a flag goes before a variable, that before the file, that before the default", () => {
  const file = fileWith("listen: 127.0.0.1:3\nrunnerListen: 127.0.0.1:3\ndataDir: /three\n");
  const env = { SLIPWAY_LISTEN: "127.0.0.1:2", SLIPWAY_RUNNER_LISTEN: "127.0.0.1:2" };
  const read = readSettings({ flags: { listen: "127.0.0.1:1" }, env, file });
  expect(read.ok && read.value).toMatchObject({
    settings: { listen: "127.0.0.1:1", runnerListen: "127.0.0.1:2", dataDir: "/three", retentionDays: 90 },
    origins: {
      listen: "--listen",
      runnerListen: "SLIPWAY_RUNNER_LISTEN",
      dataDir: file,
      retentionDays: "default",
    },
  });
});

test("an empty variable is none", () => {
  const read = readSettings({ flags: {}, env: { SLIPWAY_LISTEN: "" } });
  expect(read.ok && read.value.origins.listen).toBe("default");
});

describe("what is refused says which setting, and where it came from", () => {
  test.each([
    [{ listen: "8080" }, /listen \(--listen\): HOST:PORT/],
    [{ roles: "api,boss" }, /roles/],
    [{ url: "ci.example.org" }, /url/],
    [{ blobs: "s3://UPPER" }, /blobs/],
    [{ blobs: "file://relative" }, /blobs/],
    [{ capacity: "0" }, /capacity/],
    [{ capacity: "1e3" }, /capacity/],
    [{ listen: "127.0.0.1:65536" }, /65535/],
    [{ secretKey: "c2hvcnQ=" }, /32 bytes/],
    [{ forward: "loki" }, /forward/],
    [{ databaseUrl: "mysql://x" }, /databaseUrl/],
    [{ tlsCert: "/cert.pem" }, /tlsKey/],
  ])("%j", (flags, message) => {
    const read = readSettings({ flags: flags as Record<string, string>, env: {} });
    expect(read).toMatchObject({
      ok: false,
      refusal: { code: "settings", message: expect.stringMatching(message) },
    });
  });

  test("an unknown name in the file, with the nearest one", () => {
    const read = readSettings({ flags: {}, env: {}, file: fileWith("lisen: 127.0.0.1:1\n") });
    expect(read).toMatchObject({
      ok: false,
      refusal: { message: expect.stringContaining('"lisen"'), hint: 'did you mean "listen"?' },
    });
  });

  test("a file that is none", () => {
    for (const text of ["- a\n- b\n", "just text", "a: [", "\u0000"]) {
      expect(readSettings({ flags: {}, env: {}, file: fileWith(text) })).toMatchObject({ ok: false });
    }
    expect(readSettings({ flags: {}, env: {}, file: "/nowhere/slipway.yml" })).toMatchObject({ ok: false });
  });
});

test("any text in any variable is read or refused, never thrown", () => {
  const names = Object.keys(schema.shape).map(variableOf);
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.oneof(fc.string(), fc.json()), (name, value) => {
      expect(typeof readSettings({ flags: {}, env: { [name]: value } }).ok).toBe("boolean");
    }),
    { numRuns: 500 },
  );
});

test("a variable that is a slip away from a setting is refused; those of others are not", () => {
  const read = readSettings({ flags: {}, env: { SLIPWAY_DATABSE_URL: "postgres://db/x" } });
  expect(read).toMatchObject({
    ok: false,
    refusal: {
      message: expect.stringContaining("SLIPWAY_DATABSE_URL"),
      hint: "did you mean SLIPWAY_DATABASE_URL?",
    },
  });
  // What Kubernetes gives to containers beside Services, and what the command line reads.
  const env = {
    SLIPWAY_PORT: "tcp://10.0.0.1:80",
    SLIPWAY_API_PORT_8080_TCP_PROTO: "tcp",
    SLIPWAY_SERVICE_HOST: "10.0.0.1",
    SLIPWAY_FILE: "ci.yml",
    SLIPWAY_TOKEN: "t",
    SLIPWAY_ELSE: "x",
  };
  expect(readSettings({ flags: {}, env })).toMatchObject({ ok: true });
});

test("secrets are shown as ***", () => {
  const env = {
    SLIPWAY_SECRET_KEY: Buffer.alloc(32, "secret").toString("base64"),
    SLIPWAY_DATABASE_URL: "postgres://user:pass@db/x",
    SLIPWAY_WORKER_TOKEN: "sww_x",
  };
  const read = readSettings({ flags: {}, env });
  const text = JSON.stringify(read.ok && shownSettings(read.value));
  expect(text).not.toMatch(/c2VjcmV0|pass@|sww_x/);
  expect(text).toContain('"origin":"SLIPWAY_SECRET_KEY"');
  expect(text).toContain("***");
});

test("the command line has a flag for every setting that is no secret", () => {
  const flags = new Map(serverFlags.map(flag => [flagKey(flag), flag.help]));
  for (const [name, { description = "" }] of Object.entries(schema.shape)) {
    if (secretSettings.has(name as never) && name !== "databaseUrl") continue;
    expect(flags.get(name)?.toLowerCase(), `--${flagOf(name)}`).toBe(
      description.replace(/\.$/, "").toLowerCase(),
    );
  }
});

test("docs/server.md has the settings as the schema has them", () => {
  expect(readFileSync(path.join(root, "docs", "server.md"), "utf8")).toContain(settingsTable());
});
