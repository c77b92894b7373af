// `npm run image`: the image of Slipway as an OCI archive, from Debian packages and npm, without a registry and without a
// daemon. Where a daemon answers it is loaded there, and its start is timed.
//   npm run image -- [--arch amd64|arm64] [--output FILE] [--tag NAME:TAG] [--no-load] [--no-build] [--json]

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  type Architecture,
  type Places,
  packagesLayer,
  slipwayLayer,
  systemLayer,
  uid,
} from "./image/image-content.ts";
import { type ImageSize, writeOciArchive } from "./image/oci-archive.ts";

const root = path.dirname(import.meta.dirname);
const starts = 5;

interface Wishes {
  architecture: Architecture;
  output: string;
  reference: string;
  load: boolean;
  build: boolean;
  json: boolean;
}

function wishesOf(args: string[]): Wishes | string {
  const { values } = parseArgs({
    args,
    options: {
      arch: { type: "string", default: process.arch === "arm64" ? "arm64" : "amd64" },
      output: { type: "string" },
      tag: { type: "string" },
      "no-load": { type: "boolean", default: false },
      "no-build": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const { arch } = values;
  if (arch !== "amd64" && arch !== "arm64") return `--arch is ${arch}: amd64 and arm64 are built`;
  return {
    architecture: arch,
    output: path.resolve(values.output ?? path.join(root, "dist-image", `slipway-${arch}.tar`)),
    reference: values.tag ?? `slipway:${version()}`,
    load: !values["no-load"] && arch === (process.arch === "arm64" ? "arm64" : "amd64"),
    build: !values["no-build"],
    json: values.json,
  };
}

function version(): string {
  return (JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { version: string }).version;
}

async function buildImage(wishes: Wishes): Promise<number> {
  if (wishes.build) {
    const built = spawnSync(process.execPath, [path.join(root, "scripts", "build.ts")], { stdio: "inherit" });
    if (built.status !== 0) return built.status ?? 1;
  }
  const work = mkdtempSync(path.join(os.tmpdir(), "slipway-image-"));
  try {
    const places: Places = { root, work, architecture: wishes.architecture };
    const system = await systemLayer(places);
    const packages = await packagesLayer(places);
    const slipway = await slipwayLayer(places);
    mkdirSync(path.dirname(wishes.output), { recursive: true });
    const sizes = await writeOciArchive(
      {
        layers: [
          { tar: system, what: "Debian packages" },
          { tar: packages, what: "Node and npm packages" },
          { tar: slipway, what: "Slipway" },
        ],
        config: {
          User: `${uid}:${uid}`,
          Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "NODE_ENV=production", "HOME=/tmp"],
          Entrypoint: ["node", "/app/dist/cli/main.js"],
          Cmd: ["--help"],
          WorkingDir: "/tmp",
          Labels: {
            "org.opencontainers.image.title": "slipway",
            "org.opencontainers.image.version": version(),
            "org.opencontainers.image.licenses": "Apache-2.0",
          },
        },
        architecture: wishes.architecture,
        reference: wishes.reference,
        created: createdAt(),
      },
      work,
      wishes.output,
    );
    report(wishes, sizes);
    return 0;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Of the commit, so that the same commit gives the same image; without git or a commit 1970, which is the same each time too. */
function createdAt(): string {
  const asked = process.env.SOURCE_DATE_EPOCH;
  const git = spawnSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" });
  const seconds = Number(asked ?? (git.status === 0 ? git.stdout.trim() : 0));
  return new Date((Number.isFinite(seconds) ? seconds : 0) * 1000).toISOString();
}

function report(wishes: Wishes, sizes: ImageSize[]): void {
  const say = (metric: string, value: number, unit: string, text: string) =>
    console.log(wishes.json ? JSON.stringify({ bench: "image", metric, value, unit }) : text);
  const mb = (bytes: number) => Math.round(bytes / 1e5) / 10;
  for (const { what, bytes, unpackedBytes } of sizes) {
    say(what, mb(bytes), "MB", `${what.padEnd(24)}${mb(bytes)} MB, unpacked ${mb(unpackedBytes)} MB`);
  }
  const whole = statSync(wishes.output).size;
  say(
    "archive",
    mb(whole),
    "MB",
    `${wishes.output}: ${mb(whole)} MB, ${wishes.reference}, ${wishes.architecture}`,
  );
  if (!wishes.load) return;
  const loaded = spawnSync("docker", ["load", "--quiet", "--input", wishes.output], { encoding: "utf8" });
  if (loaded.status !== 0) {
    if (!wishes.json) console.log("no daemon took it (`docker load`): its start is not timed");
    return;
  }
  const times = Array.from({ length: starts }, () => timeOf(wishes.reference)).sort((a, b) => a - b);
  const median = times[starts >> 1]!;
  say("start", median, "ms", `docker run ${wishes.reference} --version: ${median} ms (median of ${starts})`);
}

function timeOf(reference: string): number {
  const began = performance.now();
  const run = spawnSync("docker", ["run", "--rm", "--network", "none", reference, "--version"]);
  if (run.status !== 0) throw new Error(`the image does not start: ${run.stderr}`);
  return Math.round(performance.now() - began);
}

const wishes = wishesOf(process.argv.slice(2));
if (typeof wishes === "string") {
  console.error(wishes);
  process.exitCode = 2;
} else {
  process.exitCode = await buildImage(wishes);
}
