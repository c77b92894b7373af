import { randomBytes } from "node:crypto";
import { readlinkSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import { type EngineUnderTest, engineContract } from "../engine.contract.ts";
import { createHostEngine } from "./host-engine.ts";
import { listProcesses } from "./processes.ts";

async function makeHost(): Promise<EngineUnderTest> {
  const root = await mkdtemp(join(tmpdir(), "slipway-host-"));
  const cookies: string[] = [];
  const engine = createHostEngine({
    root,
    environment: { PATH: process.env.PATH, HOME: process.env.HOME, FOREIGN: "seen" },
    clock: systemClock,
    random: () => {
      cookies.push(randomBytes(16).toString("hex"));
      return cookies.at(-1) ?? "";
    },
  });
  return {
    engine,
    leftovers: async () => {
      const ours = (cookie: string) => cookies.some(one => cookie.startsWith(one));
      const processes = (await listProcesses()).filter(one => one.cookie !== undefined && ours(one.cookie));
      return [...processes.map(one => `process ${one.pid}`), ...(await readdir(root))];
    },
    killBox: async runId => {
      const supervisor = (await listProcesses()).find(one => one.session === one.pid && runs(one.pid, runId));
      process.kill(supervisor?.pid ?? 0, "SIGKILL");
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  };
}

/** Whether the process works in the private directory of that run. */
function runs(pid: number, runId: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).includes(`/${runId}-`);
  } catch {
    return false;
  }
}

const node = process.execPath;

engineContract("host", makeHost, {
  image: "docker.io/library/none:latest",
  foreignVariable: "FOREIGN",
  service: {
    serving: (port, text) => ({
      cmd: [
        node,
        "-e",
        // The probe for readiness hangs up before it has read anything: that must not end the server.
        `require("net").createServer(s => s.on("error", () => {}).end(${JSON.stringify(text)})).listen(${port}, "127.0.0.1")`,
      ],
      ports: [{ containerPort: port, protocol: "tcp" }],
    }),
    read: (host, port) =>
      `${node} -e 'require("net").connect(process.argv[2], process.argv[1]).pipe(process.stdout)' ${host} ${port}; exit 0\n`,
    deaf: { cmd: ["/bin/sleep", "1000"] },
    crashing: (stdout, stderr) => ({ cmd: ["/bin/sh", "-c", `echo ${stdout}; echo ${stderr} >&2; exit 4`] }),
  },
  skip: [
    { case: "a shell killed for memory is told with a grown count", reason: "it cannot limit memory" },
    {
      case: "owners of an archive are kept",
      reason: "everything in its box belongs to the one user it runs as",
    },
    { case: "an image that is nowhere is refused by name", reason: "it has no images" },
    {
      case: "a service is reached by its alias",
      reason: "a machine's own resolver does not know the names of services",
    },
  ],
});
