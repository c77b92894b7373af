// `npm start`: the platform on this machine with an example project, whose workflow runs to green through queue, worker,
// logs and reporter; then it stays up until Ctrl-C. What it keeps lies in `.slipway/server` of the clone.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { searchDaemon } from "../src/app/docker-daemon.ts";
import { followRun } from "../src/app/remote/follow-run.ts";
import { sendTree } from "../src/app/remote/send-tree.ts";
import type { RunningServer } from "../src/app/server/running-server.ts";
import { serve } from "../src/app/server/serve.ts";
import { readSettings } from "../src/app/server/settings.ts";
import { choosePrinter } from "../src/cli/print/choose-printer.ts";
import { streamOutput } from "../src/cli/print/output.ts";
import { ApiProblem, type Client, createClient } from "../src/client/client.ts";
import { SlipwayError } from "../src/core/failure.ts";
import { openServerLog } from "../src/http/server-log.ts";
import { buildWebIfStale } from "./build-web.ts";

const root = path.join(import.meta.dirname, "..");
const example = path.join(root, "examples", "platform");
const project = { organisation: "main", project: "example" };
const image = "busybox:1";

const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => ending.abort(new Error(signal)));
process.exitCode = await main().catch((error: unknown) => {
  if (ending.signal.aborted) return 130;
  console.error(error instanceof SlipwayError ? `slipway: ${error.message}\n  ${error.hint ?? ""}` : error);
  return 3;
});

async function main(): Promise<number> {
  await buildWebIfStale();
  const engine = await engineHere();
  await using server = await start(engine);
  const token = rememberToken(server);
  const url = server.url!;
  const client = createClient({ url, token });
  await client.setClass({ params: { class: "default" }, body: { engine } });
  await makeProject(client);
  const source = await sendTree({ client, project, directory: example, signal: ending.signal });
  const workflow = engine === "docker" ? "platform" : "platform-here";
  if (engine === "host") {
    console.log(
      "No container daemon with the image here: jobs run as processes of this machine, and the workflow goes without its service.\n",
    );
  }
  const run = await client.createRun({ params: project, body: { workflow, source, message: "npm start" } });
  const outcome = await follow(client, run.id);
  if (outcome !== "passed") {
    console.error(
      `\nThe example run ended as ${outcome}, and it should have passed. \`bin/slipway doctor\` says what this machine lacks.`,
    );
    return 1;
  }
  console.log(farewell(url, token, run.number));
  await new Promise<void>(resolve => {
    if (ending.signal.aborted) resolve();
    ending.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  console.log("\nending");
  return 0;
}

/** Docker or Podman, where it has the image of the example or can get it; else the machine itself. */
async function engineHere(): Promise<"docker" | "host"> {
  const { found } = await searchDaemon(process.env);
  if (found === undefined) return "host";
  const has = await found.client.call({ method: "GET", path: `/images/${image}/json` }).then(
    () => true,
    () => false,
  );
  return has || importBusybox() || pull() ? "docker" : "host";
}

/** The image is nothing but this one program: where it lies on this machine already, nothing has to be fetched. */
function importBusybox(): boolean {
  const busybox = ["/bin/busybox", "/usr/bin/busybox"].find(file => existsSync(file));
  if (busybox === undefined) return false;
  const script = `d=$(mktemp -d) && mkdir -p $d/bin $d/etc $d/tmp && cp ${busybox} $d/bin/busybox && chmod 1777 $d/tmp &&
    for name in $(${busybox} --list); do [ -e $d/bin/$name ] || ln -s busybox $d/bin/$name; done && echo example > $d/etc/hostname &&
    tar -C $d -c . | docker import -c 'ENV PATH=/bin' - ${image} && rm -rf $d`;
  if (!quietly("sh", ["-c", script])) return false;
  if (quietly("docker", ["run", "--rm", image, "true"])) return true;
  quietly("docker", ["image", "rm", image]);
  return false;
}

function pull(): boolean {
  return quietly("docker", ["pull", "--quiet", image]);
}

function quietly(program: string, args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore", timeout: 120_000 });
    return true;
  } catch {
    return false;
  }
}

async function start(engine: "docker" | "host"): Promise<RunningServer> {
  try {
    return await serveAt(engine, {});
  } catch (error) {
    const taken =
      error instanceof SlipwayError && error.code === "listen" && process.env.SLIPWAY_LISTEN === undefined;
    if (!taken) throw error;
    console.log(`${error.message}; another port is taken`);
    return serveAt(engine, { listen: "127.0.0.1:0", runnerListen: "127.0.0.1:0" });
  }
}

function serveAt(engine: "docker" | "host", flags: Record<string, string>): Promise<RunningServer> {
  const env = { SLIPWAY_DATA_DIR: dataDirectory(), SLIPWAY_LOG_LEVEL: "warn", ...process.env };
  const read = readSettings({ flags: { engine, capacity: "2", ...flags }, env });
  if (!read.ok)
    throw new SlipwayError(
      "settings",
      read.refusal.message,
      read.refusal.hint === undefined ? {} : { hint: read.refusal.hint },
    );
  const log = openServerLog(read.value.settings.logLevel, line => void process.stderr.write(line));
  const version = (JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { version: string })
    .version;
  return serve({ settings: read.value.settings, log, version, environment: env });
}

/** As root the database runs as another user, who must be able to get through every directory above. */
function dataDirectory(): string {
  const own = path.join(root, ".slipway", "server");
  if (process.getuid?.() !== 0) return own;
  for (let above = root; above !== path.dirname(above); above = path.dirname(above)) {
    if ((statSync(above).mode & 0o001) === 0) {
      return path.join("/var/tmp", `slipway-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`);
    }
  }
  return own;
}

/** The server tells it once; `npm start` keeps it beside the data for the next time. */
function rememberToken({ firstAdmin }: RunningServer): string {
  const file = path.join(process.env.SLIPWAY_DATA_DIR ?? dataDirectory(), "admin.token");
  if (firstAdmin !== undefined) writeFileSync(file, `${firstAdmin.token}\n`, { mode: 0o600 });
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  throw new SlipwayError("token", `${file} is gone: it had the administrator's token`, {
    hint: `make another one: bin/slipway server --admin-token --data-dir ${path.dirname(file)} > ${file}`,
  });
}

async function makeProject(client: Client): Promise<void> {
  try {
    await client.createProject({
      params: { organisation: project.organisation },
      body: { name: project.project },
    });
  } catch (error) {
    if (!(error instanceof ApiProblem && error.code === "project-exists")) throw error;
  }
}

async function follow(client: Client, run: string): Promise<string> {
  const [out, err] = [streamOutput(process.stdout), streamOutput(process.stderr)];
  const { env, stdin, stdout, stderr } = process;
  const context = { name: "slipway" as const, version: "", env, cwd: root, stdin, stdout, stderr, out, err };
  const printer = choosePrinter({ ...context, env: { ...env, CI: "1" } }, {}, "npm start");
  try {
    return (await followRun(client, run, printer, ending.signal)).outcome;
  } finally {
    await printer.close();
    await Promise.all([out.flush(), err.flush()]);
  }
}

function farewell(url: string, token: string, number: number): string {
  return `
Run #${number} of ${project.organisation}/${project.project} is green. Slipway stays up until Ctrl-C.

  ${url}/projects/${project.organisation}/${project.project}/runs/${number}     see it in a browser
  ${token}     sign in there "with a token": the administrator's

What to try next, in another terminal:
  export PATH="${path.join(root, "bin")}:$PATH"
  slipway login ${url}                      sign in (with the token)
  slipway show ${project.organisation}/${project.project}#${number}                          its jobs
  slipway run --remote --project ${project.organisation}/${project.project}  your working tree, on this server
  slipway run examples/hello                                without any server
docs/server.md says more.`;
}
