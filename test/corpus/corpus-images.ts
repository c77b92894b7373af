// The images that files of the corpus name: Debian packages, this machine's Node and busybox under those names. They
// are made once and kept under names of our own; the names of the files point at them only while the tests run, so
// that nobody takes them for the real ones.

import { existsSync } from "node:fs";
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { debianLayer, packTree } from "../../scripts/image/debian-layer.ts";
import { unlessGone } from "../../src/engine/docker/container-calls.ts";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { imagePath, splitImage } from "../../src/engine/docker/image-calls.ts";
import { type ImageConfig, sha256, tarOf } from "../containers/image-archive.ts";
import { type LayeredImage, loadImages } from "../containers/layered-images.ts";
import { busyboxFiles } from "../containers/test-images.ts";

type Layer = "debian" | "node" | "busybox";

interface Recipe {
  layers: Layer[];
  config: ImageConfig;
  /** Names by which files of the corpus call it. */
  names: string[];
}

const packages = [
  ...[
    "base-files",
    "dash",
    "bash",
    "coreutils",
    "sed",
    "grep",
    "tar",
    "gzip",
    "findutils",
    "hostname",
    "libc-bin",
  ],
  ...[
    "make",
    "python3-pip",
    "python3-pytest",
    "python3-wheel",
    "ruby",
    "bundler",
    "ruby-rspec",
    "redis-server",
  ],
];

const plain: ImageConfig = {
  Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
  Cmd: ["/bin/sh"],
};

const recipes: Record<string, Recipe> = {
  tools: {
    layers: ["debian"],
    config: plain,
    names: [
      "golang:1.9",
      "ekidd/rust-musl-builder:latest",
      "ruby:latest",
      "iad.ocir.io/spinnaker/oci-kube-ci:1.0.3",
    ],
  },
  python: {
    layers: ["debian"],
    // pip fetches what a build needs, unless it is told to take what is there.
    config: { ...plain, Env: [...(plain.Env ?? []), "PIP_NO_BUILD_ISOLATION=0", "PIP_NO_INDEX=1"] },
    names: ["python:3.6-slim", "python:2.7"],
  },
  redis: {
    layers: ["debian"],
    config: {
      ...plain,
      Cmd: ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""],
      ExposedPorts: { "6379/tcp": {} },
    },
    names: ["redis:latest"],
  },
  node: {
    layers: ["debian", "node"],
    config: plain,
    names: ["node:latest", "node:4-slim", "nodesource/trusty:4.0.0"],
  },
  busybox: {
    layers: ["busybox"],
    config: plain,
    names: [
      "alpine:latest",
      "alpine:3.7",
      "combient/java-mvn:latest",
      "wercker/golang:latest",
      "wercker/python:latest",
    ],
  },
};

const hashLabel = "dev.slipway-test.hash";
/** Raised when what the layers are made of changes in a way that the recipes do not show. */
const edition = 1;

/**
 * Makes what is missing and points the names of the corpus at it. A name that stands for another image already is
 * left alone: that is the real one. Disposing takes the names away again, and keeps the images for the next time.
 */
export async function corpusImages(client: DaemonClient): Promise<AsyncDisposable> {
  await makeImages(client);
  const tagged: string[] = [];
  for (const [recipe, { names }] of Object.entries(recipes)) {
    for (const name of names) {
      const there = await labelsOf(client, name);
      if (there !== undefined && there[hashLabel] === undefined) continue;
      const { repository, tag } = splitImage(name);
      await client.call({
        method: "POST",
        path: `/images/${imagePath(ownName(recipe))}/tag`,
        query: { repo: repository, tag: tag ?? "latest" },
      });
      tagged.push(name);
    }
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const name of tagged.splice(0)) {
        await unlessGone(client.call({ method: "DELETE", path: `/images/${imagePath(name)}` }));
      }
    },
  };
}

function ownName(recipe: string): string {
  return `slipway-test/corpus-${recipe}:latest`;
}

async function makeImages(client: DaemonClient): Promise<void> {
  const npm = await npmFolder();
  const content = [
    edition,
    packages,
    process.version,
    await readFile(path.join(npm, "package.json"), "utf8"),
  ];
  const wanted: [string, Recipe, string][] = [];
  for (const [name, recipe] of Object.entries(recipes)) {
    const hash = sha256(JSON.stringify([content, recipe.layers, recipe.config]));
    const labels = await labelsOf(client, ownName(name));
    if (labels?.[hashLabel] !== hash) wanted.push([name, recipe, hash]);
  }
  if (wanted.length === 0) return;
  const work = await mkdtemp(path.join(tmpdir(), "slipway-corpus-"));
  try {
    const [debian, node, busybox] = await Promise.all([
      debianLayer(packages, await subfolder(work, "debian"), finishDebian),
      nodeLayer(await subfolder(work, "node"), npm),
      busyboxLayer(await subfolder(work, "busybox")),
    ]);
    const layers: Record<Layer, string> = { debian, node, busybox };
    const images = wanted.map(([name, recipe, hash]): LayeredImage => {
      const config = { ...recipe.config, Labels: { [hashLabel]: hash } };
      return { name: ownName(name), layers: recipe.layers.map(layer => layers[layer]), config };
    });
    await loadImages(client, images);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function labelsOf(client: DaemonClient, name: string): Promise<Record<string, string> | undefined> {
  const image = await unlessGone(
    client.call<{ Config?: { Labels?: Record<string, string> | null } }>({
      method: "GET",
      path: `/images/${imagePath(name)}/json`,
    }),
  );
  return image === undefined ? undefined : (image.Config?.Labels ?? {});
}

async function subfolder(work: string, name: string): Promise<string> {
  const folder = path.join(work, name);
  await mkdir(folder);
  return folder;
}

/** What the packages would have made when they are configured, as far as anything here needs it. */
async function finishDebian(root: string): Promise<void> {
  await writeFile(path.join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  await writeFile(path.join(root, "etc/group"), "root:x:0:\n");
  await symlink("python3", path.join(root, "usr/bin/python"));
  await mkdir(path.join(root, "tmp"), { recursive: true });
  await chmod(path.join(root, "tmp"), 0o1777);
  // Debian's Python leaves its packages to apt; the images of these names leave them to pip.
  const libraries = path.join(root, "usr/lib");
  const pythons = (await readdir(libraries)).filter(name => /^python3\.\d+$/.test(name));
  for (const name of pythons) await rm(path.join(libraries, name, "EXTERNALLY-MANAGED"), { force: true });
}

async function nodeLayer(work: string, npm: string): Promise<string> {
  const root = path.join(work, "root");
  await mkdir(path.join(root, "usr/local/bin"), { recursive: true });
  await copyFile(process.execPath, path.join(root, "usr/local/bin/node"));
  await chmod(path.join(root, "usr/local/bin/node"), 0o755);
  await cp(npm, path.join(root, "usr/local/lib/node_modules/npm"), { recursive: true });
  for (const name of ["npm", "npx"]) {
    const program = `../lib/node_modules/npm/bin/${name}-cli.js`;
    await symlink(program, path.join(root, "usr/local/bin", name));
  }
  return await packTree(root, path.join(work, "node.tar"));
}

/** npm as it lies on this machine, with all that it needs. */
async function npmFolder(): Promise<string> {
  const onPath = (process.env.PATH ?? "").split(path.delimiter).map(folder => path.join(folder, "npm"));
  const programs = [process.env.npm_execpath ?? "", ...onPath];
  for (const program of programs) {
    const file = await realpath(program).catch(() => "");
    const folder = path.dirname(path.dirname(file));
    if (file !== "" && existsSync(path.join(folder, "node_modules/semver"))) return folder;
  }
  throw new Error("no npm with its own node_modules on the PATH: install the npm that comes with Node.js");
}

async function busyboxLayer(work: string): Promise<string> {
  const tar = path.join(work, "busybox.tar");
  await writeFile(tar, await tarOf(busyboxFiles()));
  return tar;
}
