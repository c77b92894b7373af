// `npm run build`: src/ as plain JavaScript with its types in dist/. steps/ and schema/ are packed as they are: they
// lie as far from dist/ as from src/, so the same relative paths find them.

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";

const root = path.dirname(import.meta.dirname);

function build(): number {
  // What was removed from src/ must not be published from an older dist/.
  rmSync(path.join(root, "dist"), { recursive: true, force: true });
  const compiler = path.join(root, "node_modules", ".bin", "tsc");
  const child = spawnSync(compiler, ["--project", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
  if (child.error !== undefined) throw child.error;
  if (child.status !== 0) return child.status ?? 1;
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

process.exitCode = build();
