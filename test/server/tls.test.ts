// Certificates of one's own: people, worker and runner reach a server over TLS whose authority nobody knows but by a setting.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { openFront } from "./front.ts";
import { endOf, logOf, makeProject, startRun } from "./projects.ts";
import { eventually, makeDirectory, removeDirectory, startServerProcess } from "./server-process.ts";

let directory: string;
beforeEach(() => (directory = makeDirectory()));
afterEach(() => removeDirectory(directory));

test("a job runs over TLS with a certificate that only the setting makes trusted", async () => {
  const [cert, key] = ["cert.pem", "key.pem"].map(name => path.join(directory, name)) as [string, string];
  const args = [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
    ...["-subj", "/CN=ci", "-addext", "subjectAltName=IP:127.0.0.1", "-out", cert, "-keyout", key],
  ];
  execFileSync("openssl", args, { stdio: "ignore" });
  const tls = ["--tls-cert", cert, "--tls-key", key, "--ca-file", cert];
  await using server = await startServerProcess({
    directory,
    scheme: "https",
    flags: ["--engine", "host", ...tls],
  });
  const token = await eventually(async () => /swp_[\w-]{43}/.exec(server.said())?.[0], "the token");
  await using front = await openFront(() => server.url, readFileSync(cert, "utf8"));
  const client = createClient({ url: front.url, token });
  await makeProject(client);
  const file = "build:\n  steps:\n    - script:\n        code: echo over TLS\n";
  const ended = await endOf(client, await startRun(client, file));
  expect(ended.outcome).toBe("passed");
  expect(await logOf(client, ended.jobs[0]!)).toContain("over TLS");
});
