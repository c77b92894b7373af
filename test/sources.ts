// The project's own files as texts, for tests that hold all of them to a rule. Reads only.

import { globSync, readFileSync } from "node:fs";
import path from "node:path";

/** The folder of the project. */
export const root = path.dirname(import.meta.dirname);

export interface Source {
  /** Relative to the project, with `/`. */
  file: string;
  text: string;
}

/** Files that match one of the globs, in order of their names; node_modules and build output are left out. */
export function sources(...globs: string[]): Source[] {
  const files = globSync(globs, { cwd: root, exclude: name => /^(node_modules|dist|\.git)$/.test(name) });
  return files
    .map(file => file.replaceAll(path.sep, "/"))
    .sort()
    .map(file => ({ file, text: readFileSync(path.join(root, file), "utf8") }));
}

/** Tests and what only tests import may do more than the rest. */
export function isTest(file: string): boolean {
  return /\.(test|contract)\.ts$/.test(file) || /\/(contract|fixtures)\//.test(file);
}

export interface Import {
  specifier: string;
  /** Gone in the JavaScript: `import type`, or only names marked `type`. */
  typeOnly: boolean;
  /** `import("...")`: loaded when it is reached. */
  dynamic: boolean;
}

/** Every import and re-export of a module. */
export function importsOf(text: string): Import[] {
  const found: Import[] = [];
  const declared = /^(?:import|export)\s+(type\s)?([^;"']*?)\s*from\s+["']([^"']+)["']/gm;
  for (const [, type, names, specifier] of text.matchAll(declared)) {
    const list = /^\{([^}]*)\}$/
      .exec((names ?? "").trim())?.[1]
      ?.split(",")
      .map(name => name.trim());
    const allTypes = list?.every(name => name === "" || name.startsWith("type "));
    found.push({ specifier: specifier!, typeOnly: type !== undefined || allTypes === true, dynamic: false });
  }
  for (const [, specifier] of text.matchAll(/^import\s+["']([^"']+)["']/gm)) {
    found.push({ specifier: specifier!, typeOnly: false, dynamic: false });
  }
  for (const [before, specifier] of text.matchAll(/(?:typeof\s+)?\bimport\(\s*["']([^"']+)["']\s*\)/g)) {
    found.push({ specifier: specifier!, typeOnly: before.startsWith("typeof"), dynamic: true });
  }
  return found;
}
