// Slipway's image of this very tree, on the Docker daemon, for tests that start it.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../sources.ts";

export interface SlipwayImage extends AsyncDisposable {
  reference: string;
  /** The OCI archive it came from. */
  archive: string;
  figures: { metric: string; value: number; unit: string }[];
}

/** Builds and loads it: a minute. Disposing removes it. */
export async function slipwayImage(): Promise<SlipwayImage> {
  const work = mkdtempSync(path.join(os.tmpdir(), "slipway-image-test-"));
  const reference = `slipway-test:${path.basename(work).slice(-6).toLowerCase()}`;
  const archive = path.join(work, "image.tar");
  const said = buildImage("--tag", reference, "--output", archive);
  return {
    ...{ reference, archive },
    figures: said
      .split("\n")
      .filter(line => line.startsWith("{"))
      .map(line => JSON.parse(line)),
    async [Symbol.asyncDispose]() {
      spawnSync("docker", ["rmi", "--force", reference]);
      rmSync(work, { recursive: true, force: true });
    },
  };
}

export function buildImage(...flags: string[]): string {
  const script = path.join(root, "scripts", "build-image.ts");
  return execFileSync(process.execPath, [script, "--json", ...flags], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
}
