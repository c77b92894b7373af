// What Slipway adds to a pipeline. Only read in the slipway dialect.

import type { ArtifactSpec, CacheSpec, Resources } from "../core/job.ts";
import type { Pipeline } from "./pipeline-file.ts";
import { parseCpu, parseDays, parseSize } from "./quantities.ts";
import { wholeNumber } from "./read-box.ts";
import { timeLimit } from "./read-step-settings.ts";
import {
  describeNode,
  isNull,
  type Reading,
  readBool,
  readKeys,
  readMap,
  readQuantity,
  readTexts,
  readWord,
  shown,
} from "./reading.ts";
import type { TreeNode } from "./yaml-tree.ts";

type Reader = (reading: Reading, pipeline: Pipeline, node: TreeNode, what: string) => void;

const mostCombinations = 256;
const axisName = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
/** Names of artifacts become names of directories. */
const artifactName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;

/** Reads one of our keys into the pipeline; false where the key is none of them. */
export function readPipelineSetting(
  reading: Reading,
  pipeline: Pipeline,
  key: string,
  node: TreeNode,
): boolean {
  const read = Object.hasOwn(readers, key) ? readers[key] : undefined;
  if (read === undefined) return false;
  if (!isNull(node)) read(reading, pipeline, node, `"${key}"`);
  else reading.warn(node.at, `"${key}" has no value`, "Give it one, or leave the key out");
  return true;
}

const readers: Record<string, Reader> = {
  timeout: (reading, pipeline, node, what) => {
    const timeout = readQuantity(reading, node, what, timeLimit);
    if (timeout !== undefined) pipeline.timeoutMs = timeout;
  },
  class: (reading, pipeline, node, what) => {
    const name = readWord(reading, node, what);
    if (name !== undefined) pipeline.class = name;
  },
  reports: (reading, pipeline, node, what) => {
    pipeline.reports = readTexts(reading, node, what) ?? [];
  },
  matrix: readMatrix,
  resources: readResources,
  concurrency: readConcurrency,
  cache: readCache,
  artifacts: readArtifacts,
  checkout: readCheckout,
};

function readMatrix(reading: Reading, pipeline: Pipeline, node: TreeNode, what: string): void {
  const map = readMap(reading, node, what);
  if (map === undefined) return;
  const matrix: Record<string, string[]> = {};
  const variables = new Set<string>();
  let combinations = 1;
  for (const { key, keyAt, value } of map.entries) {
    if (!axisName.test(key) || key === "include" || key === "exclude") {
      reading.fault(
        keyAt,
        `${shown(key)} cannot be an axis of a matrix`,
        "Name it with letters, digits, _ and -",
      );
    }
    const variable = key.replaceAll("-", "_").toUpperCase();
    if (variables.has(variable)) {
      reading.fault(keyAt, `two axes have the variable MATRIX_${variable}`, "Rename one of them");
    }
    variables.add(variable);
    const values = readTexts(reading, value, `the axis "${key}"`) ?? [];
    if (value.kind === "list" && value.items.length === 0)
      reading.fault(value.at, `the axis "${key}" has no values`, `Write ${key}: [one, two]`);
    if (new Set(values).size < values.length) {
      reading.fault(value.at, `the axis "${key}" has a value twice`, "Remove one of the two");
    }
    combinations *= Math.max(values.length, 1);
    // Own property whatever the name, `__proto__` included.
    Object.defineProperty(matrix, key, {
      value: values,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  if (combinations > mostCombinations) {
    const count = combinations > 1e6 ? "millions of" : combinations;
    const message = `the matrix has ${count} combinations; ${mostCombinations} are the most there may be`;
    reading.fault(node.at, message, "Leave values out, or make two pipelines of it");
  }
  if (map.entries.length > 0) pipeline.matrix = matrix;
}

function readResources(reading: Reading, pipeline: Pipeline, node: TreeNode, what: string): void {
  const map = readMap(reading, node, what);
  if (map === undefined) return;
  const resources: Resources = {};
  const size = {
    parse: parseSize,
    range: { least: 4 * 2 ** 20, most: 16 * 2 ** 40 },
    example: "512Mi or 2G",
    show: sizeText,
  };
  readKeys(reading, map, "resources", {
    cpu: (value, key) => {
      const form = { parse: parseCpu, range: { least: 0.01, most: 512 }, example: "0.5, 2 or 500m" };
      const cpu = readQuantity(reading, value, key, form);
      if (cpu !== undefined) resources.cpu = cpu;
    },
    memory: (value, key) => {
      const bytes = readQuantity(reading, value, key, size);
      if (bytes !== undefined) resources.memoryBytes = bytes;
    },
    "ephemeral-storage": (value, key) => {
      const bytes = readQuantity(reading, value, key, size);
      if (bytes !== undefined) resources.ephemeralStorageBytes = bytes;
    },
    arch: (value, key) => {
      const arch = readWord(reading, value, key);
      if (arch !== undefined) resources.arch = arch;
    },
  });
  pipeline.resources = resources;
}

function sizeText(bytes: number): string {
  return bytes >= 2 ** 40 ? `${bytes / 2 ** 40}Ti` : `${bytes / 2 ** 20}Mi`;
}

function readConcurrency(reading: Reading, pipeline: Pipeline, node: TreeNode, what: string): void {
  const concurrency = { group: "", cancelInProgress: false };
  if (node.kind === "map") {
    readKeys(reading, node, "concurrency", {
      group: (value, key) => {
        concurrency.group = readWord(reading, value, key) ?? "?";
      },
      "cancel-in-progress": (value, key) => {
        concurrency.cancelInProgress = readBool(reading, value, key) ?? false;
      },
    });
    if (concurrency.group === "")
      reading.fault(node.at, `${what} has no group`, "Name it with the key group");
  } else {
    concurrency.group = readWord(reading, node, what) ?? "";
  }
  if (concurrency.group !== "") pipeline.concurrency = concurrency;
}

function readCache(reading: Reading, pipeline: Pipeline, node: TreeNode, what: string): void {
  const cache: CacheSpec = { paths: [], fallbackKeys: [] };
  if (node.kind === "map") {
    readKeys(reading, node, "cache", {
      paths: (value, key) => {
        cache.paths = readTexts(reading, value, key) ?? [];
      },
      key: (value, key) => {
        const text = readWord(reading, value, key);
        if (text !== undefined) cache.key = text;
      },
      "fallback-keys": (value, key) => {
        cache.fallbackKeys = readTexts(reading, value, key) ?? [];
      },
    });
    if (cache.paths.length === 0)
      reading.fault(node.at, `${what} has no paths`, "List them under the key paths");
  } else {
    cache.paths = readTexts(reading, node, what) ?? [];
  }
  pipeline.cache = cache;
}

function readArtifacts(reading: Reading, pipeline: Pipeline, node: TreeNode, what: string): void {
  const unnamed: string[] = [];
  const named: ArtifactSpec[] = [];
  for (const item of node.kind === "list" ? node.items : [node]) {
    if (item.kind === "map") named.push(readArtifact(reading, item));
    else if (item.kind === "text") unnamed.push(readWord(reading, item, `an item of ${what}`) ?? "");
    else
      reading.fault(
        item.at,
        `an item of ${what} must be a glob or a map, not ${describeNode(item)}`,
        "Take one dash away",
      );
  }
  pipeline.artifacts = unnamed.length === 0 ? named : [{ name: "artifacts", paths: unnamed }, ...named];
  const names = pipeline.artifacts.map(artifact => artifact.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    reading.fault(
      node.at,
      `two artifacts are called ${shown(twice)}`,
      "Give each a name of its own with the key name",
    );
  }
}

function readArtifact(reading: Reading, node: Extract<TreeNode, { kind: "map" }>): ArtifactSpec {
  const artifact: ArtifactSpec = { name: "artifacts", paths: [] };
  readKeys(reading, node, "artifact", {
    name: (value, key) => {
      artifact.name = readWord(reading, value, key) ?? artifact.name;
      if (artifactName.test(artifact.name) && artifact.name !== "output") return;
      const hint = "Use letters, digits, _ . and -, but not output: that is what the next pipeline gets";
      reading.fault(value.at, `an artifact cannot be called ${shown(artifact.name)}`, hint);
    },
    paths: (value, key) => {
      artifact.paths = readTexts(reading, value, key) ?? [];
    },
    retention: (value, key) => {
      const form = {
        parse: parseDays,
        range: { least: 1, most: 3650 },
        example: "14d or 2w",
        show: (days: number) => `${days}d`,
      };
      const days = readQuantity(reading, value, key, form);
      if (days !== undefined) artifact.retentionDays = days;
    },
  });
  if (artifact.paths.length === 0)
    reading.fault(node.at, "an artifact has no paths", "List them under the key paths");
  return artifact;
}

function readCheckout(reading: Reading, pipeline: Pipeline, node: TreeNode, what: string): void {
  const map = readMap(reading, node, what);
  if (map === undefined) return;
  const checkout: NonNullable<Pipeline["checkout"]> = {};
  const flag = (name: "submodules" | "lfs" | "tags") => (value: TreeNode, key: string) => {
    const set = readBool(reading, value, key);
    if (set !== undefined) checkout[name] = set;
  };
  readKeys(reading, map, "checkout", {
    depth: (value, key) => {
      const form = {
        parse: wholeNumber,
        range: { least: 0, most: 1_000_000 },
        example: "1, or 0 for all of the history",
      };
      const depth = readQuantity(reading, value, key, form);
      if (depth !== undefined) checkout.depth = depth;
    },
    submodules: flag("submodules"),
    lfs: flag("lfs"),
    tags: flag("tags"),
  });
  pipeline.checkout = checkout;
}
