// What every bench needs: a built Slipway, a Docker daemon, an image, and a directory for projects. All of it goes
// away again, but for the daemon that was there before and the build in dist/.

import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { findDaemon, startDaemon } from "../../scripts/system.mjs";
import type { Command } from "./timed-process.ts";

const root = path.dirname(path.dirname(import.meta.dirname));

export interface Workshop extends AsyncDisposable {
  /** A static busybox and nothing else. */
  readonly image: string;
  /** Writes a project of these files and returns its directory. */
  project(name: string, files: Record<string, string | Uint8Array>): Promise<string>;
  /** The command that runs a project's pipeline `build`. Options stand before the command line's own. */
  run(directory: string, options?: string[], env?: Record<string, string>): Command;
  /** The command `slipway` with any arguments. */
  slipway(args: string[]): Command;
  /** The command `docker` with any arguments. */
  docker(args: string[]): Command;
  /** Starts a container that idles; it is removed with the workshop. Returns its id. */
  idle(): string;
}

/** Builds, finds or starts what is needed. `say` tells what takes long. */
export async function openWorkshop(say: (text: string) => void): Promise<Workshop> {
  say("building dist/");
  call("npm", ["run", "--silent", "build"], { cwd: root });
  await using cleanup = new AsyncDisposableStack();
  const found = await findDaemon();
  const daemon =
    found === undefined ? await startDaemon(say) : { host: found, stop: () => Promise.resolve() };
  cleanup.defer(daemon.stop);
  const directory = await mkdtemp(path.join(os.tmpdir(), "slipway-bench-"));
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  const env = { DOCKER_HOST: daemon.host, SLIPWAY_ENGINE: "docker" };
  const image = `slipway-bench:${randomBytes(4).toString("hex")}`;
  await importImage(directory, image, env);
  cleanup.defer(() => void call("docker", ["rmi", "-f", image], { env }));
  const rest = cleanup.move();

  const slipway = (args: string[]): Command => ({
    program: process.execPath,
    args: [path.join(root, "dist", "cli", "main.js"), ...args],
    env,
  });
  return {
    image,
    async project(name, files) {
      const home = path.join(directory, name);
      for (const [file, content] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(home, file)), { recursive: true });
        await writeFile(path.join(home, file), content);
      }
      return home;
    },
    run: (home, options = [], more = {}) => ({
      ...slipway(["run", "--engine", "docker", "--docker-local", ...options]),
      cwd: home,
      env: { ...env, ...more },
    }),
    slipway,
    docker: args => ({ program: "docker", args, env }),
    idle() {
      const id = call("docker", ["run", "-d", image, "sh", "-c", "trap exit TERM; sleep 3600 & wait"], {
        env,
      }).trim();
      rest.defer(() => void call("docker", ["rm", "-f", id], { env }));
      return id;
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

async function importImage(directory: string, image: string, env: Record<string, string>): Promise<void> {
  const busybox = ["/bin/busybox", "/usr/bin/busybox"].find(file => spawnSync(file, ["true"]).status === 0);
  if (busybox === undefined) throw new Error("no busybox here; apt-get install busybox-static");
  const tree = path.join(directory, "image");
  await mkdir(path.join(tree, "bin"), { recursive: true });
  await mkdir(path.join(tree, "tmp"), { recursive: true });
  call("cp", [busybox, path.join(tree, "bin", "busybox")]);
  for (const applet of call(busybox, ["--list"]).trim().split("\n")) {
    if (applet !== "busybox") call("ln", ["-sf", "busybox", path.join(tree, "bin", applet)]);
  }
  const archive = path.join(directory, "image.tar");
  call("tar", ["-C", tree, "-cf", archive, "."]);
  call("docker", ["import", "--change", "ENV PATH=/bin", archive, image], { env });
}

function call(
  program: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): string {
  const child = spawnSync(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (child.error)
    throw new Error(`${program} does not start: ${child.error.message}`, { cause: child.error });
  if (child.status !== 0)
    throw new Error(`${program} ${args.join(" ")} ended with ${child.status}:\n${child.stderr}`);
  return child.stdout;
}
