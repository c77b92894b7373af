// The pages: web/ as a few files with hashed names, each beside itself in Brotli. `npm run build` puts them into the package,
// and whoever starts a server from a clone has them built here when they are missing or older than their sources.

import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const root = path.dirname(import.meta.dirname);
/** Where a server that was started from this clone looks for them. */
export const webDirectory = path.join(root, "dist", "web");
const mark = "sources.txt";
const sharedParts =
  /\/web\/src\/(api|live|ui\/(?!plot|long-list|table|form-dialog|audit|token|variable|secret))/;
const compressed = new Set([".html", ".js", ".css", ".svg"]);

/** Builds into `out`, which is emptied first. */
export async function buildWeb(out: string): Promise<void> {
  // What is served is the same, whoever builds it: a test runner has this set to something of its own.
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = "production";
  try {
    await bundle(out);
  } finally {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  }
  compress(out);
  writeFileSync(path.join(out, mark), sourcesHash());
}

async function bundle(out: string): Promise<void> {
  const { build } = await import("vite");
  const { default: react } = await import("@vitejs/plugin-react");
  await build({
    root: path.join(root, "web"),
    configFile: false,
    logLevel: "warn",
    mode: "production",
    plugins: [react()],
    worker: { format: "es" },
    build: {
      outDir: out,
      emptyOutDir: true,
      target: ["chrome123", "firefox120", "safari17.5"],
      // A `data:` address would need a hole in the page's policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      // What nearly all pages use comes with the first script: a page is then one file more, and not ten.
      rolldownOptions: {
        output: { codeSplitting: { groups: [{ name: "shared", test: sharedParts }] } },
      },
      reportCompressedSize: false,
    },
  });
}

function compress(out: string): void {
  for (const name of readdirSync(out, { recursive: true }) as string[]) {
    if (!compressed.has(path.extname(name))) continue;
    const bytes = readFileSync(path.join(out, name));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    const small = brotliCompressSync(bytes, { params });
    if (small.length < bytes.length) writeFileSync(path.join(out, `${name}.br`), small);
  }
}

/** Builds into `dist/web` of the clone unless what is there is of these sources. Several may do it at once. */
export async function buildWebIfStale(): Promise<void> {
  const built = path.join(webDirectory, mark);
  if (existsSync(built) && readFileSync(built, "utf8") === sourcesHash()) return;
  const beside = path.join(root, "node_modules", `.slipway-web-${process.pid}`);
  try {
    await buildWeb(path.join(beside, "new"));
    mkdirSync(path.dirname(webDirectory), { recursive: true });
    if (existsSync(webDirectory)) renameSync(webDirectory, path.join(beside, "old"));
    renameSync(path.join(beside, "new"), webDirectory);
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

function sourcesHash(): string {
  const hash = createHash("sha256");
  const files = globSync(
    [
      "web/**/*",
      "src/{client,core,lib}/**/*.ts",
      "src/config/cron.ts",
      "deploy/hooks/*",
      "package-lock.json",
      "scripts/build-web.ts",
    ],
    {
      cwd: root,
      withFileTypes: true,
    },
  )
    .filter(entry => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
    .map(entry => path.join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) hash.update(`${path.relative(root, file)}\n`).update(readFileSync(file));
  return hash.digest("hex");
}

if (import.meta.main) await buildWebIfStale();
