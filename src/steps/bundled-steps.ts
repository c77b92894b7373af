// The step library that comes with Slipway: one directory per step. `-` and `_` are the same in its names, since
// they are the same in the variables a step gets.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { SlipwayError } from "../core/failure.ts";
import type { StepFile } from "../core/step-file.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { readStepDirectory } from "./step-directory.ts";

export interface BundledSteps {
  /** Names of all steps, sorted. */
  names(): Promise<string[]>;
  /** The step of that name in either spelling; undefined where there is none. */
  find(name: string): Promise<BundledStep | undefined>;
  /** What the step brings into a box: everything but its tests. */
  files(step: BundledStep): Promise<StepFile[]>;
}

export interface BundledStep {
  /** As its directory is called. */
  name: string;
  dir: string;
  manifest: Manifest;
}

/** The library in `directory`, read when first asked for. */
export function openBundledSteps(directory: string): BundledSteps {
  let listing: Promise<string[]> | undefined;
  const known = new Map<string, Promise<BundledStep>>();

  function names(): Promise<string[]> {
    listing ??= listSteps(directory);
    return listing;
  }

  return {
    names,
    async find(name) {
      const wanted = name.replaceAll("_", "-");
      const found = (await names()).find(candidate => candidate.replaceAll("_", "-") === wanted);
      if (found === undefined) return undefined;
      let step = known.get(found);
      if (step === undefined) {
        step = load(directory, found);
        known.set(found, step);
      }
      return step;
    },
    async files(step) {
      const read = await readStepDirectory(step.dir);
      if (!read.ok) throw new SlipwayError("step-library-damaged", read.refusal.message);
      return read.value.filter(file => !file.path.endsWith(".test.ts"));
    },
  };
}

async function listSteps(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name)
      .sort();
  } catch (cause) {
    throw new SlipwayError("step-library-missing", `the bundled steps are not in ${directory}`, {
      cause,
      hint: "install Slipway again",
    });
  }
}

async function load(directory: string, name: string): Promise<BundledStep> {
  const dir = join(directory, name);
  const { manifest, warning } = await readManifest(await readFile(join(dir, "step.yml"), "utf8"));
  if (warning !== undefined) throw new SlipwayError("step-library-damaged", `${dir}/step.yml: ${warning}`);
  return { name, dir, manifest };
}
