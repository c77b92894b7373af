// `npm run build`: src/ as plain JavaScript with its types in dist/. steps/ and schema/ are packed as they are: they
// lie as far from dist/ as from src/, so the same relative paths find them. Hundreds of modules are joined into a few
// files, with the parsers that every run needs: opening each by itself took a third of the time to a run's first byte.

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { rolldown } from "rolldown";

const root = path.dirname(import.meta.dirname);
const dist = path.join(root, "dist");
/** Packages that are joined too; all others are found in node_modules when they are needed. */
const joined = new Set(["yaml", "commander"]);

/** Replaces the modules that the compiler wrote by a few files. Those stay as deep, for paths relative to them. */
async function joinModules(): Promise<void> {
  const together = path.join(root, "dist.joined");
  rmSync(together, { recursive: true, force: true });
  const bundle = await rolldown({
    input: { index: path.join(dist, "index.js"), "cli/main": path.join(dist, "cli", "main.js") },
    platform: "node",
    external: id => !id.startsWith(".") && !path.isAbsolute(id) && !joined.has(id),
  });
  await bundle.write({
    dir: together,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "cli/[name]-[hash].js",
  });
  await bundle.close();
  for (const file of globSync("**/*.js", { cwd: dist })) rmSync(path.join(dist, file));
  for (const file of globSync("**/*.js", { cwd: together })) {
    renameSync(path.join(together, file), path.join(dist, file));
  }
  rmSync(together, { recursive: true, force: true });
}

async function build(): Promise<number> {
  // What was removed from src/ must not be published from an older dist/.
  rmSync(dist, { recursive: true, force: true });
  const compiler = path.join(root, "node_modules", ".bin", "tsc");
  const child = spawnSync(compiler, ["--project", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
  if (child.error !== undefined) throw child.error;
  if (child.status !== 0) return child.status ?? 1;
  await joinModules();
  // What the program reads beside its code.
  for (const file of globSync("**/*.sql", { cwd: path.join(root, "src") })) {
    const target = path.join(root, "dist", file);
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(path.join(root, "src", file), target);
  }
  const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { bin: object };
  for (const program of Object.values(manifest.bin)) chmodSync(path.join(root, program), 0o755);
  return 0;
}

process.exitCode = await build();
