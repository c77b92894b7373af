// The server with parts that are not its own: Debian's PostgreSQL by address, an S3-compatible store, every role in a
// process of its own, TLS with a certificate of a private authority.

import { execFileSync, spawn } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { startSwift } from "../../src/blobs/fixtures/swift-server.ts";
import { createClient } from "../../src/client/client.ts";
import { slipway } from "./cli-process.ts";
import { endOf, logOf, makeProject, startRun } from "./projects.ts";
import { eventually, freePorts, type ServerProcess, startServerProcess } from "./server-process.ts";

const running: ServerProcess[] = [];
afterEach(async () => {
  for (const server of running.splice(0).reverse()) await server[Symbol.asyncDispose]();
});

async function start(options: Parameters<typeof startServerProcess>[0]): Promise<ServerProcess> {
  const server = await startServerProcess(options);
  running.push(server);
  return server;
}

const file = `
build:
  artifacts: [{ name: made, paths: [made.txt] }]
  steps:
    - script:
        code: echo "hello from outside parts"; echo content > made.txt
`;

/** Debian's, on a socket in a directory of its own. */
async function debianPostgres(): Promise<string> {
  const versions = readdirSync("/usr/lib/postgresql").sort();
  const bin = path.join("/usr/lib/postgresql", versions.at(-1)!, "bin");
  const directory = mkdtempSync(path.join(os.tmpdir(), "slipway-debian-pg-"));
  const nobody = 65534;
  chownSync(directory, nobody, nobody);
  const as = { uid: nobody, gid: nobody, cwd: directory, stdio: "ignore" as const };
  const data = path.join(directory, "data");
  execFileSync(path.join(bin, "initdb"), ["-D", data, "-U", "slipway", "-A", "trust"], as);
  const child = spawn(
    path.join(bin, "postgres"),
    ["-D", data, "-k", directory, "-c", "listen_addresses="],
    as,
  );
  child.unref();
  onTestFinished(async () => {
    const gone = new Promise(resolve => child.once("exit", resolve));
    child.kill("SIGQUIT");
    await gone;
    rmSync(directory, { recursive: true, force: true });
  });
  await eventually(async () => readdirSync(directory).includes(".s.PGSQL.5432"), "Debian's PostgreSQL");
  return `postgres://slipway@localhost/postgres?host=${encodeURIComponent(directory)}`;
}

test("every role alone, on Debian's PostgreSQL and an S3-compatible store", async () => {
  const databaseUrl = await debianPostgres();
  await using swift = await startSwift();
  const { endpoint, accessKeyId, secretAccessKey } = swift;
  const s3 = new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  onTestFinished(() => s3.destroy());
  await s3.send(new CreateBucketCommand({ Bucket: "slipway" }));
  const env = {
    SLIPWAY_DATABASE_URL: databaseUrl,
    SLIPWAY_BLOBS: `s3://slipway/ci?endpoint=${endpoint}`,
    SLIPWAY_S3_ACCESS_KEY: accessKeyId,
    SLIPWAY_S3_SECRET_KEY: secretAccessKey,
    SLIPWAY_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"),
  };
  const api = await start({ roles: ["api", "logs"], env });
  await start({ roles: ["reporter"], env });
  const client = createClient({ url: api.url, token: api.token });
  await makeProject(client);
  const { secret } = await client.createWorkerToken({ body: { name: "w", classes: ["default"] } });
  await start({
    roles: ["worker"],
    env: { SLIPWAY_WORKER_TOKEN: secret },
    flags: ["--engine", "host", "--api-url", api.url, "--runner-url", api.runnerUrl],
  });
  const run = await endOf(client, await startRun(client, file));
  expect(run).toMatchObject({ outcome: "passed" });
  expect(await logOf(client, run.jobs[0]!)).toContain("hello from outside parts\n");
  const { items } = await client.listArtifacts({ params: { run: run.id }, query: {} });
  expect(items.map(({ name }) => name)).toContain("made");
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: "slipway", Prefix: "ci/artifact/" }),
  );
  expect(Contents.length).toBeGreaterThan(0);
}, 180_000);

test("with TLS: the command line, the worker and the runner trust the authority that the settings name", async () => {
  const place = mkdtempSync(path.join(os.tmpdir(), "slipway-tls-"));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  mkdirSync(place, { recursive: true });
  const [cert, key] = [path.join(place, "cert.pem"), path.join(place, "key.pem")];
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      "-subj",
      "/CN=127.0.0.1",
      "-addext",
      "subjectAltName=IP:127.0.0.1",
      "-out",
      cert,
      "-keyout",
      key,
    ],
    { stdio: "ignore" },
  );
  const ports = await freePorts();
  const url = `https://127.0.0.1:${ports[0]}`;
  const server = await start({
    ports,
    scheme: "https",
    flags: ["--engine", "host", "--url", url, "--tls-cert", cert, "--tls-key", key, "--ca-file", cert],
    env: { NODE_EXTRA_CA_CERTS: cert },
  });
  const cli = (args: string[]) =>
    slipway(args, { cwd: place, url, token: server.token, env: { NODE_EXTRA_CA_CERTS: cert } });
  expect(await cli(["classes", "set", "default", "engine=host"])).toMatchObject({ code: 0 });
  expect(await cli(["projects", "create", "main/app"])).toMatchObject({ code: 0, stderr: "" });
  const tree = path.join(place, "tree");
  mkdirSync(tree);
  writeFileSync(path.join(tree, "slipway.yml"), file);
  const run = await slipway(["run", "--remote", "--project", "main/app"], {
    cwd: tree,
    url,
    token: server.token,
    env: { NODE_EXTRA_CA_CERTS: cert },
  });
  expect(run.stderr).toBe("");
  expect(run.stdout).toContain("hello from outside parts");
  expect(run.code).toBe(0);
}, 120_000);
