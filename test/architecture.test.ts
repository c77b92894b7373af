// Holds the code to what ARCHITECTURE.md says of it: who may import whom, which package is used where, and the rules
// that keep a stranger able to find and to read things.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { importsOf, isTest, root, type Source, sources } from "./sources.ts";

const code = sources("src/**/*.ts").filter(source => !isTest(source.file));
const everything = sources("{src,test,bench,scripts,steps}/**/*.{ts,mjs}", "steps/**/*.sh", "*.ts");
const documents = sources("*.md", "{docs,steps,examples}/**/*.md");

interface Row {
  imports: string[];
  packages: string[];
}

/** The rows of the table whose head is `folder | may import | packages`. */
function readTable(text: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  const start = text.search(/^\| folder \| may import \| packages \|$/m);
  for (const line of text.slice(start).split("\n").slice(2)) {
    const cells = /^\|(.*)\|(.*)\|(.*)\|$/.exec(line);
    if (cells === null) break;
    const [folder, imports, packages] = cells.slice(1).map(cell => names(cell ?? ""));
    const all = cells[2]?.includes("everything above") === true;
    rows.set(folder![0]!, { imports: all ? [...rows.keys()] : imports!, packages: packages! });
  }
  return rows;
}

function names(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(match => match[1]!);
}

/** `src/core/x.ts` -> `core`; `src/index.ts` -> `index.ts`. */
function folderOf(file: string): string {
  return file.split("/")[1]!;
}

/** The name of the npm package that a bare specifier belongs to. */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

const table = readTable(readFileSync(path.join(root, "ARCHITECTURE.md"), "utf8"));

function forbiddenImports({ file, text }: Source): string[] {
  const folder = folderOf(file);
  const row = table.get(folder);
  if (row === undefined) return [`${file}: the folder ${folder} is not in the table of ARCHITECTURE.md`];
  const wrong: string[] = [];
  for (const { specifier } of importsOf(text)) {
    if (specifier.startsWith(".")) {
      const target = folderOf(path.posix.join(path.posix.dirname(file), specifier));
      if (target !== folder && !row.imports.includes(target)) wrong.push(`${file}: imports ${target}`);
      if (!specifier.endsWith(".ts")) wrong.push(`${file}: ${specifier} has no .ts`);
    } else if (specifier.startsWith("node:")) {
      if (folder === "core") wrong.push(`${file}: core is pure and imports no ${specifier}`);
    } else if (!row.packages.includes(packageOf(specifier))) {
      wrong.push(`${file}: uses the package ${packageOf(specifier)}`);
    }
  }
  return wrong;
}

describe("the import table", () => {
  test("has a row for every folder of src, and no row for what is not there", () => {
    const folders = new Set(code.map(source => folderOf(source.file)));
    expect([...table.keys()].sort()).toEqual([...folders].sort());
  });

  test("has no circle between folders", () => {
    const order = [...table.keys()];
    const upwards = order.flatMap((folder, at) =>
      table
        .get(folder)!
        .imports.filter(target => order.indexOf(target) >= at)
        .map(target => `${folder} -> ${target}`),
    );
    expect(upwards).toEqual([]);
  });

  test("is kept by every file", () => {
    expect(code.flatMap(forbiddenImports)).toEqual([]);
  });

  test("names every dependency, and each has its reason", () => {
    const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as Record<
      string,
      object
    >;
    const text = readFileSync(path.join(root, "ARCHITECTURE.md"), "utf8");
    const dependencies = [...Object.keys(manifest.dependencies!), ...Object.keys(manifest.devDependencies!)];
    const reasons = new Set(
      [...text.matchAll(/^- ((?:`[^`]+`(?:, )?)+): /gm)].flatMap(match => names(match[1]!)),
    );
    expect(dependencies.filter(name => !reasons.has(name))).toEqual([]);
  });
});

test("the command line loads no heavy package before it needs one", () => {
  const heavy = ["yaml", "zod", "tar-stream", "semver", "picomatch"];
  const texts = new Map(code.map(source => [source.file, source.text]));
  const found: string[] = [];
  const seen = new Set<string>();
  const visit = (file: string, way: string[]): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { specifier, typeOnly, dynamic } of importsOf(texts.get(file) ?? "")) {
      if (typeOnly || dynamic) continue;
      if (specifier.startsWith("."))
        visit(path.posix.join(path.posix.dirname(file), specifier), [...way, file]);
      else if (heavy.includes(packageOf(specifier))) found.push([...way, file, specifier].join(" > "));
    }
  };
  visit("src/cli/main.ts", []);
  expect(found).toEqual([]);
});

test("settings are read in src/app and src/cli only", () => {
  const readers = code.filter(
    ({ file, text }) =>
      !/^src\/(app|cli)\//.test(file) && /\bprocess\.env\b|\benv\b[^;]*from "node:process"/.test(text),
  );
  expect(readers.map(source => source.file)).toEqual([]);
});

test("no file has a name that says nothing", () => {
  const empty = /(^index|(^|-)(utils?|helpers?|common|manager|base|impl|misc))\.(ts|mjs|sh)$/;
  const named = everything.map(source => source.file).filter(file => empty.test(path.posix.basename(file)));
  expect(named.filter(file => file !== "src/index.ts")).toEqual([]);
});

test("every file begins with what it is for", () => {
  const silent = everything.filter(
    ({ file, text }) => !isTest(file) && !/^(#!.*\n)?(\/\/|#|\/\*) ?\S/.test(text),
  );
  expect(silent.map(source => source.file)).toEqual([]);
});

test("files fit in the head", () => {
  // A table of cases may be longer: nobody reads it at once.
  const long = everything.filter(({ file, text }) => text.split("\n").length > (isTest(file) ? 1000 : 500));
  expect(long.map(source => source.file)).toEqual([]);
});

test("no test is skipped and no check is switched off", () => {
  const switches = [
    ["ts", "ignore"],
    ["ts", "nocheck"],
    ["biome", "ignore"],
  ].map(words => words.join("-"));
  const skips = /\b(?:it|test|describe)(?:\.\w+)*\.(?:skip|todo|only|skipIf|runIf|fails)\b/;
  const found = everything.filter(
    ({ text }) => skips.test(text) || switches.some(word => text.includes(word)),
  );
  expect(found.map(source => source.file)).toEqual([]);
});

const lock = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as {
  packages: Record<string, { optionalDependencies?: object; funding?: unknown }>;
};

test("the lockfile holds every platform's packages, without which npm ci refuses it", () => {
  const optional = Object.values(lock.packages).flatMap(entry =>
    Object.keys(entry.optionalDependencies ?? {}),
  );
  expect(optional.filter(name => lock.packages[`node_modules/${name}`] === undefined)).toEqual([]);
});

test("the lockfile names no place to download from", () => {
  const hosts = Object.entries(lock.packages).filter(([, entry]) => {
    // Where a package asks for money is its author's text, and no place that npm fetches from.
    const { funding: _, ...rest } = entry;
    return "resolved" in rest || /[a-z+]+:\/\//.test(JSON.stringify(rest));
  });
  expect(hosts.map(([name]) => name)).toEqual([]);
});

test("links between documents lead somewhere", () => {
  const dead = documents.flatMap(({ file, text }) =>
    [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
      .map(match => match[1]!)
      .filter(target => !/^[a-z]+:/.test(target))
      .filter(target => !existsSync(path.join(root, path.dirname(file), target)))
      .map(target => `${file}: ${target}`),
  );
  expect(dead).toEqual([]);
});
