// The images that container tests run on, made from the busybox of this machine. Made once and found again by a hash
// in their label, so that only the first test of a day pays for them.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { unlessGone } from "../../src/engine/docker/container-calls.ts";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { imagePath } from "../../src/engine/docker/image-calls.ts";
import { followProgress } from "../../src/engine/docker/progress.ts";
import { type ImageConfig, type ImageFile, imageArchive, sha256 } from "./image-archive.ts";

const prefix = "docker.io/slipway-test";

export const testImages = {
  /** busybox with all its tools, root. */
  sh: `${prefix}/sh:latest`,
  /** The same, user 1000. */
  nonroot: `${prefix}/nonroot:latest`,
  /** Its entrypoint runs something else and drops its arguments. */
  swallow: `${prefix}/entrypoint-swallow:latest`,
  /** Its entrypoint runs its arguments. */
  entrypoint: `${prefix}/entrypoint:latest`,
  /** One program, `/sleep`, and no shell. */
  noShell: `${prefix}/no-shell:latest`,
  /** busybox and bash. */
  bash: `${prefix}/bash:latest`,
  /** Serves `hello` over HTTP on its exposed port 8080; has GREETING in its environment. */
  service: `${prefix}/service:latest`,
} as const;

const hashLabel = "dev.slipway-test.hash";

/** Makes what is missing at the daemon. May be called by several test files at once. */
export async function buildTestImages(client: DaemonClient): Promise<typeof testImages> {
  await Promise.all(Object.entries(recipes()).map(([name, recipe]) => have(client, name, recipe)));
  return testImages;
}

interface Recipe {
  files: ImageFile[];
  config: ImageConfig;
}

async function have(client: DaemonClient, name: string, recipe: Recipe): Promise<void> {
  const hash = sha256(JSON.stringify([recipe.config, recipe.files.map(describe)]));
  const path = `/images/${imagePath(name)}/json`;
  const image = await unlessGone(
    client.call<{ Config?: { Labels?: Record<string, string> | null } }>({ method: "GET", path }),
  );
  if (image?.Config?.Labels?.[hashLabel] === hash) return;
  const config = { ...recipe.config, Labels: { [hashLabel]: hash } };
  const archive = await imageArchive(name, recipe.files, config);
  const answer = await client.open({ method: "POST", path: "/images/load", upload: once(archive) });
  await followProgress(answer.body, () => {});
}

function describe(file: ImageFile): unknown {
  return { ...file, content: file.content === undefined ? undefined : sha256(file.content) };
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

function recipes(): Record<string, Recipe> {
  const base = busyboxFiles();
  const path = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
  const plain = { Env: path, Cmd: ["/bin/sh"] };
  return {
    [testImages.sh]: { files: base, config: plain },
    [testImages.nonroot]: { files: base, config: { ...plain, User: "1000" } },
    [testImages.swallow]: {
      files: base,
      config: { Env: path, Entrypoint: ["/bin/sh", "-c", "exec sleep 1000000"] },
    },
    [testImages.entrypoint]: {
      files: [...base, { name: "entry", mode: 0o755, content: '#!/bin/sh\nexport ENTERED=yes\nexec "$@"\n' }],
      config: { Env: path, Entrypoint: ["/entry"], Cmd: ["/bin/sh"] },
    },
    [testImages.noShell]: {
      files: [{ name: "sleep", mode: 0o755, content: busybox() }],
      config: { Cmd: ["/sleep", "1000000"] },
    },
    [testImages.bash]: { files: [...base, ...bashFiles()], config: plain },
    [testImages.service]: {
      files: [...base, { name: "www/" }, { name: "www/index.html", content: "hello\n" }],
      config: {
        Env: [...path, "GREETING=hello"],
        Cmd: ["httpd", "-f", "-p", "8080", "-h", "/www"],
        ExposedPorts: { "8080/tcp": {} },
      },
    },
  };
}

function busybox(): Buffer {
  return readFileSync(existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox");
}

/** A root file system of busybox and nothing else. */
export function busyboxFiles(): ImageFile[] {
  const program = existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox";
  const applets = execFileSync(program, ["--list-full"], { encoding: "utf8" }).trim().split("\n");
  const directories = [
    "bin",
    "sbin",
    "usr",
    "usr/bin",
    "usr/sbin",
    "etc",
    "root",
    "proc",
    "sys",
    "dev",
    "var",
  ];
  return [
    ...directories.map(name => ({ name: `${name}/` })),
    { name: "tmp/", mode: 0o1777 },
    { name: "home/" },
    { name: "home/user/", uid: 1000, gid: 1000 },
    { name: "etc/passwd", content: "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n" },
    { name: "etc/group", content: "root:x:0:\nuser:x:1000:\n" },
    { name: "bin/busybox", mode: 0o755, content: busybox() },
    ...applets
      .filter(name => name !== "bin/busybox" && name !== "usr/bin/busybox")
      .map(name => ({ name, link: "/bin/busybox" })),
  ];
}

/** A program of this machine as `name`, with the libraries it needs. */
export function programFiles(name: string, program: string): ImageFile[] {
  const printed = execFileSync("ldd", [program], { encoding: "utf8" });
  const libraries = Array.from(printed.matchAll(/(\/\S+) \(0x/g), match => match[1] ?? "");
  const directories = new Set(libraries.flatMap(parentsOf));
  return [
    ...Array.from(directories, directory => ({ name: `${directory}/` })),
    { name, mode: 0o755, content: readFileSync(program) },
    ...libraries.map(library => ({ name: library.slice(1), mode: 0o755, content: readFileSync(library) })),
  ];
}

function bashFiles(): ImageFile[] {
  const program = ["/bin/bash", "/usr/bin/bash"].find(existsSync);
  if (program === undefined) throw new Error("no bash on this machine: install the package bash");
  return programFiles("bin/bash", program);
}

function parentsOf(path: string): string[] {
  const parts = path.split("/").slice(1, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/")).filter(name => name !== "usr");
}
