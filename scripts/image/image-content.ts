// What the image holds: the same as deploy/image/Dockerfile, of the same parts, without a base image. Three layers, in the
// order in which they change: the system, Node and the packages, Slipway.

import { spawnSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { debianLayer, packTree } from "./debian-layer.ts";

/** What the Dockerfile installs, and what its base image has of what we call. */
const packages = [
  ...["base-files", "dash", "coreutils", "sed", "grep", "findutils", "hostname"],
  ...["git", "ca-certificates", "openssh-client", "busybox-static", "tzdata", "libstdc++6", "git-lfs"],
];

export const uid = 10001;

export type Architecture = "amd64" | "arm64";

export interface Places {
  /** Of the repository; `dist/` is built. */
  root: string;
  /** An empty directory. */
  work: string;
  architecture: Architecture;
}

/** Debian, stripped as the Dockerfile strips it. */
export async function systemLayer({ root, work, architecture }: Places): Promise<string> {
  const place = path.join(work, "debian");
  await mkdir(place, { recursive: true });
  return debianLayer(packages, place, tree => finishSystem(root, tree), architecture);
}

async function finishSystem(root: string, tree: string): Promise<void> {
  await certificates(tree);
  await writeFile(
    path.join(tree, "etc", "passwd"),
    `root:x:0:0:root:/root:/usr/sbin/nologin\nslipway:x:${uid}:${uid}::/home/slipway:/usr/sbin/nologin\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n`,
  );
  await writeFile(path.join(tree, "etc", "group"), `root:x:0:\nslipway:x:${uid}:\nnogroup:x:65534:\n`);
  await mkdir(path.join(tree, "tmp"), { recursive: true, mode: 0o1777 });
  const strip = path.join(root, "deploy", "image", "strip.sh");
  must("sh", [strip, tree], root);
}

/** What `update-ca-certificates` does when Debian configures the package. */
async function certificates(tree: string): Promise<void> {
  const from = path.join(tree, "usr", "share", "ca-certificates", "mozilla");
  const names = (await readdir(from)).sort();
  const texts = await Promise.all(names.map(name => readFile(path.join(from, name), "utf8")));
  const to = path.join(tree, "etc", "ssl", "certs");
  await mkdir(to, { recursive: true });
  await writeFile(path.join(to, "ca-certificates.crt"), texts.map(text => `${text.trim()}\n`).join(""));
}

/** Node for the architecture, and what package-lock.json says for it. */
export async function packagesLayer({ root, work, architecture }: Places): Promise<string> {
  const tree = path.join(work, "packages");
  const app = path.join(tree, "app");
  await mkdir(app, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) {
    await cp(path.join(root, name), path.join(app, name));
  }
  const cpu = architecture === "amd64" ? "x64" : "arm64";
  const target = [`--cpu=${cpu}`, "--os=linux", "--libc=glibc"];
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts"];
  must("npm", ["ci", "--omit=dev", ...quiet, ...target], app);
  await rm(path.join(app, "package-lock.json"));
  await withoutTypes(app);
  await node(tree, work, await nodeVersion(root), cpu, root);
  return packTree(tree, path.join(work, "packages.tar"));
}

/** Node comes as the npm package that the clone uses too. */
async function node(tree: string, work: string, version: string, cpu: string, root: string): Promise<void> {
  const to = path.join(tree, "usr", "local", "bin");
  await mkdir(to, { recursive: true });
  const name = `node-linux-${cpu}`;
  const place = path.join(work, "node");
  await mkdir(place, { recursive: true });
  must("npm", ["pack", "--silent", `${name}@${version}`, "--pack-destination", place], root);
  must(
    "tar",
    ["-x", "-f", path.join(place, `${name}-${version}.tgz`), "-C", place, "package/bin/node"],
    root,
  );
  await cp(path.join(place, "package", "bin", "node"), path.join(to, "node"));
}

async function nodeVersion(root: string): Promise<string> {
  const lock = JSON.parse(await readFile(path.join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version?: string }>;
  };
  const version = lock.packages["node_modules/node"]?.version;
  if (version === undefined) throw new Error("package-lock.json names no version of the package `node`");
  return version;
}

/** Types and maps are for people who write programs. */
async function withoutTypes(app: string): Promise<void> {
  const names = ["*.d.ts", "*.d.mts", "*.d.cts", "*.map", "*.md"];
  const any = names.flatMap((name, index) => [...(index === 0 ? [] : ["-o"]), "-name", name]);
  must("find", [path.join(app, "node_modules"), "-type", "f", "(", ...any, ")", "-delete"], app);
}

/** Slipway as npm would publish it. */
export async function slipwayLayer({ root, work }: Places): Promise<string> {
  const tree = path.join(work, "slipway");
  const app = path.join(tree, "app");
  await mkdir(path.join(app, "bin"), { recursive: true });
  const untested = (file: string) => !file.endsWith(".test.ts") && !file.endsWith(".d.ts");
  for (const name of ["dist", "steps", "schema", "package.json"]) {
    await cp(path.join(root, name), path.join(app, name), { recursive: true, filter: untested });
  }
  // What a Pod's runner lends to the box.
  await symlink("/bin/busybox", path.join(app, "bin", "busybox"));
  await mkdir(path.join(tree, "home", "slipway"), { recursive: true });
  return packTree(tree, path.join(work, "slipway.tar"));
}

/** Throws with what the command said. */
function must(command: string, args: string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) {
    throw new Error(
      `${command} ${args.slice(0, 3).join(" ")} ended with ${status}:\n${(stdout + stderr).slice(-4000)}`,
    );
  }
}
