// Boxes and services: a text that names an image, or a map.

import type { BoxSpec, EnvEntry } from "../core/job.ts";
import { credentialKeys } from "./file-keys.ts";
import { formatDuration, parseDuration } from "./quantities.ts";
import {
  describeNode,
  entryOf,
  isNull,
  type Reading,
  readKeys,
  readQuantity,
  readText,
  readWord,
  warnUnknownKey,
} from "./reading.ts";
import type { MapNode, TreeNode } from "./yaml-tree.ts";

type BoxKind = "box" | "service";

const defaultReadyMs = 60_000;

/** A box; undefined for null (none) and for what cannot be one, which is reported. */
export function readBox(reading: Reading, node: TreeNode): BoxSpec | undefined {
  return isNull(node) ? undefined : readContainer(reading, node, "box", '"box"');
}

/** The list of services; undefined for what cannot be one. Null is as good as absent. */
export function readServices(reading: Reading, node: TreeNode): BoxSpec[] | undefined {
  if (isNull(node)) return undefined;
  if (node.kind !== "list") {
    const hint = "Write one service a line, each behind a dash";
    reading.fault(node.at, `"services" must be a list, not ${describeNode(node)}`, hint);
    return undefined;
  }
  const services: BoxSpec[] = [];
  for (const item of node.items) {
    const service = readContainer(reading, item, "service", "a service");
    if (service !== undefined) services.push(service);
  }
  return services;
}

function readContainer(reading: Reading, node: TreeNode, kind: BoxKind, what: string): BoxSpec | undefined {
  if (node.kind === "text" && !isNull(node)) {
    const box: BoxSpec = { id: node.text, env: [], ports: [], auth: {} };
    reading.boxes.set(box, { at: node.at, env: [] });
    return box;
  }
  if (node.kind === "map") return readBoxMap(reading, node, kind, what);
  const hint = "Write the name of an image, or a map with the key id";
  reading.fault(node.at, `${what} must be a text or a map, not ${describeNode(node)}`, hint);
  return undefined;
}

function readBoxMap(reading: Reading, map: MapNode, kind: BoxKind, what: string): BoxSpec {
  const box: BoxSpec = { id: "", env: [], ports: [], auth: {} };
  reading.boxes.set(box, { at: entryOf(map, "id")?.value.at ?? map.at, env: [] });
  for (const { key, keyAt, value } of map.entries) {
    if (!readOldKey(reading, box, key, value, kind)) {
      if (key === "ready" && kind === "service" && reading.dialect === "slipway")
        readReady(reading, box, value);
      else warnUnknownKey(reading, kind, key, keyAt);
    }
  }
  if (box.id === "") {
    reading.warn(map.at, `${what} has no image`, "Name it with the key id, such as id: redis:7");
  }
  return box;
}

/** False where the key is not one of those that boxes have always had. */
function readOldKey(reading: Reading, box: BoxSpec, key: string, value: TreeNode, kind: BoxKind): boolean {
  if (key === "env") {
    readEnv(reading, box, value);
  } else if (key === "ports") {
    readPorts(reading, box, value);
  } else if (key === "id" || isTextKey(key, kind)) {
    const text = readText(reading, value, `"${key}"`);
    if (text) box[key] = text;
  } else if (credentialKeys.includes(key)) {
    const text = readText(reading, value, `"${key}"`);
    if (text) box.auth[key] = text;
  } else {
    return false;
  }
  return true;
}

function isTextKey(
  key: string,
  kind: BoxKind,
): key is "tag" | "name" | "cmd" | "entrypoint" | "volumes" | "url" {
  return (
    ["tag", "name", "cmd", "entrypoint", "volumes"].includes(key) || (key === "url" && kind === "service")
  );
}

function readEnv(reading: Reading, box: BoxSpec, node: TreeNode): void {
  if (isNull(node)) return;
  if (node.kind !== "map") {
    reading.fault(node.at, `"env" must be a map, not ${describeNode(node)}`, "Write NAME: value, one a line");
    return;
  }
  const entries = new Map<string, EnvEntry>();
  const written: string[] = [];
  for (const { key, keyAt, value } of node.entries) {
    const text = readText(reading, value, `the variable "${key}"`);
    const name = key.toUpperCase();
    if (entries.has(name))
      reading.warn(keyAt, `"${key}" and another key are both ${name}: the last one counts`, "Remove one");
    else written.push(key);
    if (text !== undefined) entries.set(name, { name, value: text });
  }
  box.env = [...entries.values()];
  reading.boxes.get(box)?.env.push(...written);
}

function readPorts(reading: Reading, box: BoxSpec, node: TreeNode): void {
  if (isNull(node)) return;
  if (node.kind !== "list") {
    reading.fault(node.at, `"ports" must be a list, not ${describeNode(node)}`, 'Write ports: ["8080"]');
    return;
  }
  const ports: string[] = [];
  for (const item of node.items) {
    const text = readText(reading, item, 'an item of "ports"');
    if (text !== undefined) ports.push(text);
  }
  box.ports = ports;
}

function readReady(reading: Reading, box: BoxSpec, node: TreeNode): void {
  const ready: { port?: number; command?: string; timeoutMs: number } = { timeoutMs: defaultReadyMs };
  const readPort = (value: TreeNode, what: string) => {
    const form = { parse: wholeNumber, range: { least: 1, most: 65535 }, example: "5432" };
    const port = readQuantity(reading, value, what, form);
    if (port !== undefined) ready.port = port;
  };
  const readCommand = (value: TreeNode, what: string) => {
    const command = readWord(reading, value, what);
    if (command !== undefined) ready.command = command;
  };
  if (node.kind === "map") {
    readKeys(reading, node, "ready", {
      port: readPort,
      command: readCommand,
      timeout: (value, what) => {
        const range = { least: 1000, most: 3_600_000 };
        const form = { parse: parseDuration, range, example: "30s", show: formatDuration };
        ready.timeoutMs = readQuantity(reading, value, what, form) ?? defaultReadyMs;
      },
    });
  } else if (node.kind === "text" && node.resolved.type === "int") {
    readPort(node, '"ready"');
  } else {
    readCommand(node, '"ready"');
  }
  if ((ready.port === undefined) === (ready.command === undefined)) {
    reading.fault(
      node.at,
      '"ready" needs a port or a command, one of the two',
      "Write ready: 5432, or ready: pg_isready",
    );
    return;
  }
  box.ready = ready;
}

/** A whole number without sign. */
export function wholeNumber(text: string): number | undefined {
  return /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}
