// `npm run build`: src/ as plain JavaScript with its types in dist/, and web/ as browsers are given it in dist/web. steps/
// and schema/ are packed as they are: they lie as far from dist/ as from src/, so the same relative paths find them.
// Hundreds of modules are joined into a few files, with the parsers that every run needs: opening each by itself took a
// third of the time to a run's first byte.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import path from "node:path";
import { rolldown } from "rolldown";
import { buildWeb } from "./build-web.ts";

const root = path.dirname(import.meta.dirname);
/** Packages that are joined too; all others are found in node_modules when they are needed. */
const joined = new Set(["yaml", "commander"]);

/**
 * Programs that share no file with the rest, and what of each goes into one file, so that it opens few: a runner's start
 * is part of every job's.
 */
const apart = ["cli/runner-main"];
const inOneFile = /\/(core|lib|plan|runner|storage|remote|steps|engine\/(host|pod))\/[^/]+\.js$/;
/** What a runner in a Pod does before it loads the rest: the box is waiting for it. */
const first =
  /\/(core\/failure|engine\/supervisor|engine\/pod\/(prepare-io|lay-pipes|fifo-streams|pod-supervisor))\.js$/;

/** What a module imports for sure, itself included: files that the compiler wrote. */
function closureOf(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known;
  known.add(file);
  const imports =
    /^(?:import|export) (?:[\w*]|\{[^}]*\})[^;{}()="]*?from "(\.[^"]+)";$|^import "(\.[^"]+)";$/gm;
  for (const [, from, alone] of readFileSync(file, "utf8").matchAll(imports)) {
    closureOf(path.resolve(path.dirname(file), from ?? alone ?? ""), known);
  }
  return known;
}

/** Replaces the modules that the compiler wrote by a few files. Those stay as deep, for paths relative to them. */
async function joinModules(dist: string, together: string): Promise<void> {
  await joinInto(together, dist, ["index", "cli/main"]);
  for (const program of [...apart, "client/client"]) await joinInto(together, dist, [program]);
  for (const file of globSync("**/*.js", { cwd: dist })) rmSync(path.join(dist, file));
  for (const file of globSync("**/*.js", { cwd: together })) {
    renameSync(path.join(together, file), path.join(dist, file));
  }
}

async function joinInto(together: string, dist: string, programs: string[]): Promise<void> {
  const sure = (...files: string[]) =>
    new Set(files.flatMap(file => [...closureOf(path.join(realpathSync(dist), file))]));
  const claim = sure("app/run-remote-job.js");
  const job = sure("remote/job-parts.js", "engine/pod/pod-engine.js");
  const isApart = (id: string) => apart.some(name => id.endsWith(`/${path.basename(name)}.js`));
  const bundle = await rolldown({
    input: Object.fromEntries(programs.map(name => [name, path.join(dist, `${name}.js`)])),
    platform: "node",
    external: (id, importer) =>
      (!id.startsWith(".") && !path.isAbsolute(id) && !joined.has(id)) ||
      (importer !== undefined && isApart(id)),
  });
  await bundle.write({
    dir: together,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "cli/[name]-[hash].js",
    ...(programs.some(name => apart.includes(name))
      ? {
          codeSplitting: {
            groups: [
              { name: "runner-first", test: first, priority: 4 },
              { name: "runner-claim", test: id => claim.has(id), priority: 3 },
              { name: "runner-job", test: id => job.has(id), priority: 2 },
              { name: "runner-parts", test: inOneFile, priority: 1 },
            ],
          },
        }
      : {}),
  });
  await bundle.close();
}

/** Adds what the program reads beside its code, and marks what people call. */
function finish(dist: string): void {
  for (const file of globSync("**/*.sql", { cwd: path.join(root, "src") })) {
    const target = path.join(dist, file);
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(path.join(root, "src", file), target);
  }
  const text = readFileSync(path.join(root, "package.json"), "utf8");
  const manifest = JSON.parse(text) as { bin: Record<string, string> };
  for (const program of Object.values(manifest.bin)) {
    chmodSync(path.join(dist, path.relative("dist", program)), 0o755);
  }
}

async function build(): Promise<number> {
  // Made beside and put in place at the end: who uses dist/ meanwhile has the old one, and what was removed from src/
  // is not published from it later.
  const beside = path.join(root, "node_modules", `.slipway-build-${process.pid}`);
  const made = path.join(beside, "dist");
  try {
    const compiler = path.join(root, "node_modules", ".bin", "tsc");
    const options = ["--project", "tsconfig.build.json", "--outDir", made];
    const child = spawnSync(compiler, options, { cwd: root, stdio: "inherit" });
    if (child.error !== undefined) throw child.error;
    if (child.status !== 0) return child.status ?? 1;
    await joinModules(made, path.join(beside, "joined"));
    finish(made);
    await buildWeb(path.join(made, "web"));
    if (existsSync(path.join(root, "dist"))) renameSync(path.join(root, "dist"), path.join(beside, "old"));
    renameSync(made, path.join(root, "dist"));
    return 0;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

process.exitCode = await build();
