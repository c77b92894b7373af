// Reads the settings, once. A flag goes before an environment variable, that before the file, that before the default; each
// knows where its value came from.

import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { accept, type Result, refuse } from "../../core/failure.ts";
import { nearest } from "../../lib/nearest.ts";
import { type ServerSettings, type SettingName, schema, secretSettings } from "./settings-schema.ts";

export type { RoleName, ServerSettings, SettingName } from "./settings-schema.ts";
export { schema, secretSettings };

export interface ReadSettings {
  settings: ServerSettings;
  /** Where each value came from: `flag`, the variable's name, the file's path, or `default`. */
  origins: Record<string, string>;
}

/** `dataDir` -> `SLIPWAY_DATA_DIR`. */
export function variableOf(name: string): string {
  return `SLIPWAY_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`;
}

/** `dataDir` -> `data-dir`. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}

/** Refuses with `settings`: every wrong value with its name and where it came from. */
export function readSettings(sources: {
  flags: Record<string, string | undefined>;
  env: Record<string, string | undefined>;
  file?: string | undefined;
}): Result<ReadSettings> {
  const names = Object.keys(schema.shape);
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  const misspelt = misspeltVariable(sources.env, names);
  if (misspelt !== undefined) return misspelt;
  const file = sources.file === undefined ? accept({}) : readFile(sources.file, names);
  if (!file.ok) return file;
  for (const name of names) {
    const candidates: [string, unknown][] = [
      [`--${flagOf(name)}`, sources.flags[name]],
      [variableOf(name), emptyIsNone(sources.env[variableOf(name)])],
      [sources.file ?? "", (file.value as Record<string, unknown>)[name]],
    ];
    const found = candidates.find(([, value]) => value !== undefined);
    if (found !== undefined) values[name] = found[1];
    origins[name] = found?.[0] ?? "default";
  }
  const parsed = schema.safeParse(values);
  if (parsed.success) {
    const { tlsCert, tlsKey } = parsed.data;
    if ((tlsCert === undefined) !== (tlsKey === undefined)) {
      return refuse(
        "settings",
        "tlsCert and tlsKey belong together: one of them is missing",
        "name both files, or none",
      );
    }
    return accept({ settings: parsed.data, origins });
  }
  const problems = parsed.error.issues.map(issue => {
    const name = String(issue.path[0] ?? "");
    return `${name} (${origins[name] ?? "settings"}): ${issue.message}`;
  });
  return refuse(
    "settings",
    problems.join("\n"),
    "see docs/server.md, or run `slipway server --print-config`",
  );
}

function readFile(file: string, names: string[]): Result<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parse(readFileSync(path.resolve(file), "utf8"));
  } catch (error) {
    return refuse("settings", `${file} cannot be read: ${(error as Error).message}`);
  }
  if (value === null || value === undefined) return accept({});
  if (typeof value !== "object" || Array.isArray(value))
    return refuse("settings", `${file} must hold names and values`);
  const unknown = Object.keys(value).find(name => !names.includes(name));
  if (unknown === undefined) return accept(value as Record<string, unknown>);
  const near = nearest(unknown, names);
  return refuse(
    "settings",
    `${file}: there is no setting "${unknown}"`,
    near === undefined ? "see docs/server.md" : `did you mean "${near}"?`,
  );
}

/** Names that Kubernetes gives to containers beside a Service called `slipway` or `slipway-...`. */
const serviceLink = /_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$/;

/**
 * A variable that is a slip away from one of ours. Others that begin alike are somebody else's: the command line has some,
 * and so has the cluster.
 */
function misspeltVariable(
  env: Record<string, string | undefined>,
  names: string[],
): Result<never> | undefined {
  const known = names.map(variableOf);
  for (const name of Object.keys(env).sort()) {
    if (!name.startsWith("SLIPWAY_") || known.includes(name) || serviceLink.test(name)) continue;
    if (othersVariables.has(name) || emptyIsNone(env[name]) === undefined) continue;
    const near = nearest(
      name.slice("SLIPWAY_".length),
      known.map(each => each.slice("SLIPWAY_".length)),
    );
    if (near === undefined) continue;
    return refuse("settings", `there is no setting ${name}`, `did you mean SLIPWAY_${near}?`);
  }
  return undefined;
}

/** What commands for people read. */
const othersVariables = new Set([
  "SLIPWAY_CONFIG",
  "SLIPWAY_CONTEXT",
  "SLIPWAY_ENVIRONMENT_FILE",
  "SLIPWAY_FILE",
  "SLIPWAY_SERVER",
  "SLIPWAY_STEPS_URL",
  "SLIPWAY_TOKEN",
  "SLIPWAY_WORKING_DIR",
]);

function emptyIsNone(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

/** What is in effect and where it came from, with secrets masked: for `--print-config`. */
export function shownSettings({
  settings,
  origins,
}: ReadSettings): { name: string; value: string; origin: string }[] {
  return Object.keys(schema.shape).map(name => {
    const value = settings[name as SettingName];
    const shown = value === undefined ? "unset" : typeof value === "string" ? value : JSON.stringify(value);
    const hidden =
      secretSettings.has(name as SettingName) && value !== undefined && origins[name] !== "default";
    return { name, value: hidden ? "***" : shown, origin: origins[name]! };
  });
}
