// `npm run helm`: writes the chart of deploy/helm/slipway from the functions of src/install. Run it after a change there.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { chartFiles } from "../src/install/chart/chart-files.ts";

const root = path.dirname(import.meta.dirname);
const place = path.join(root, "deploy", "helm", "slipway");
const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { version: string };
rmSync(place, { recursive: true, force: true });
for (const [name, text] of chartFiles(version)) {
  const file = path.join(place, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}
