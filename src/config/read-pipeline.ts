// One pipeline: a map under its name. What is wrong in it makes this pipeline unusable and no other.

import { nearest } from "../lib/nearest.ts";
import { knownKeys } from "./file-keys.ts";
import type { Pipeline } from "./pipeline-file.ts";
import { readBox, readServices } from "./read-box.ts";
import { readPipelineSetting } from "./read-pipeline-settings.ts";
import { readSteps } from "./read-step.ts";
import { describeNode, isNull, type Reading, readBool, readText, shown, warnUnknownKey } from "./reading.ts";
import type { MapEntry, MapNode } from "./yaml-tree.ts";

/** A pipeline of which nothing is said. */
export function emptyPipeline(name: string, position: Pipeline["position"]): Pipeline {
  return {
    name,
    empty: true,
    steps: [],
    afterSteps: [],
    targets: new Map(),
    docker: false,
    reports: [],
    artifacts: [],
    position,
  };
}

/** Reads the map of a pipeline; what makes it unusable goes to `reading.fault`. */
export function readPipeline(
  reading: Reading,
  name: string,
  map: MapNode,
  position: Pipeline["position"],
): Pipeline {
  const pipeline: Pipeline = { ...emptyPipeline(name, position), empty: false };
  const hasSteps = map.entries.some(entry => entry.key === "steps");
  for (const entry of map.entries) {
    if (readOldKey(reading, pipeline, entry)) continue;
    if (reading.dialect === "slipway" && readPipelineSetting(reading, pipeline, entry.key, entry.value))
      continue;
    readTarget(reading, pipeline, entry, hasSteps);
  }
  return pipeline;
}

function readOldKey(reading: Reading, pipeline: Pipeline, { key, value }: MapEntry): boolean {
  if (key === "box") {
    const box = readBox(reading, value);
    if (box !== undefined) pipeline.box = box;
  } else if (key === "services") {
    const services = readServices(reading, value);
    if (services !== undefined) pipeline.services = services;
  } else if (key === "steps") {
    pipeline.steps = readSteps(reading, value, '"steps"') ?? [];
  } else if (key === "after-steps") {
    pipeline.afterSteps = readSteps(reading, value, '"after-steps"') ?? [];
  } else if (key === "docker") {
    pipeline.docker = readBool(reading, value, '"docker"') ?? false;
  } else if (key === "base-path") {
    readBasePath(reading, pipeline, value);
  } else {
    return false;
  }
  return true;
}

function readBasePath(reading: Reading, pipeline: Pipeline, node: MapEntry["value"]): void {
  const text = readText(reading, node, '"base-path"');
  if (!text) return;
  const path = text.length > 1 && text.endsWith("/") ? text.slice(0, -1) : text;
  pipeline.basePath = path;
  if (!path.startsWith("/")) {
    reading.warn(node.at, `"base-path" ${shown(path)} is not absolute`, "Begin it with a /");
  } else if (path.lastIndexOf("/") === 0) {
    const message = `"base-path" ${shown(path)} lies directly in /, and its parent is emptied before a run`;
    reading.warn(node.at, message, "Choose a path of two levels or more, such as /work/app");
  }
}

/** Any other key is a list of steps that can be chosen instead of `steps`. */
function readTarget(reading: Reading, pipeline: Pipeline, entry: MapEntry, hasSteps: boolean): void {
  const { key, keyAt, value } = entry;
  const meant = nearest(key, knownKeys("pipeline", reading.dialect));
  if (value.kind === "list") {
    const steps = readSteps(reading, value, `"${key}"`);
    if (steps !== undefined) pipeline.targets.set(key, steps);
    if (meant === undefined) return;
    // Misspelt steps would not run, and the pipeline would pass. Older files must run as they always have.
    const report =
      reading.dialect === "slipway" && meant === "steps" && !hasSteps ? reading.fault : reading.warn;
    report(keyAt, `${shown(key)} is taken for a deploy target`, `Did you mean "${meant}"?`);
    return;
  }
  if (isNull(value)) {
    pipeline.targets.set(key, []);
    warnUnknownKey(reading, "pipeline", key, keyAt);
    return;
  }
  reading.fault(
    keyAt,
    `${shown(key)} is no key of a pipeline, and as a deploy target it would be a list of steps, not ${describeNode(value)}`,
    unknownKeyHint(reading, meant, value),
  );
}

function unknownKeyHint(reading: Reading, meant: string | undefined, value: MapEntry["value"]): string {
  if (meant !== undefined) return `Did you mean "${meant}"?`;
  if (value.kind === "map" && value.entries.some(entry => entry.key === "steps")) {
    return "Pipelines do not stand within each other: move it out to the left, or put its steps: in its place";
  }
  return `Keys of a pipeline are ${knownKeys("pipeline", reading.dialect).join(", ")}; any other is a list of steps`;
}
