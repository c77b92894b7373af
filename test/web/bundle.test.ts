// What a browser has to load: little, nothing of it inline, nothing from elsewhere.

import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { buildWebIfStale, webDirectory } from "../../scripts/build-web.ts";

beforeAll(buildWebIfStale, 60_000);

const text = (name: string) => readFileSync(path.join(webDirectory, name), "utf8");
const scripts = () => globSync("assets/*.js", { cwd: webDirectory });

/** A script and all that it imports at once. */
function withImports(name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const [, other] of text(name).matchAll(
    /(?:^|[;}\s])(?:import|export)[^;"'()]*from\s*["']\.\/([^"']+)["']/g,
  )) {
    withImports(`assets/${other}`, seen);
  }
  for (const [, other] of text(name).matchAll(/(?:^|[;}\s])import\s*["']\.\/([^"']+)["']/g)) {
    withImports(`assets/${other}`, seen);
  }
  return seen;
}

const compressed = (names: Iterable<string>) =>
  [...names].reduce((sum, name) => {
    const small = path.join(webDirectory, `${name}.br`);
    return sum + statSync(existsSync(small) ? small : path.join(webDirectory, name)).size;
  }, 0);

test("the first load is at most 200 kB of script, whichever page it is", () => {
  const entry = /src="\/(assets\/index-[^"]+\.js)"/.exec(text("index.html"))![1]!;
  const pages = scripts().filter(name => /-page-[^/]+\.js$/.test(name));
  expect(pages.length).toBeGreaterThan(10);
  const worker = scripts().filter(name => name.includes("hub-worker"));
  const sizes = pages.map(page => {
    const names = new Set([...withImports(entry), ...withImports(page), ...worker]);
    return { page, bytes: compressed(names) };
  });
  for (const { page, bytes } of sizes) expect(bytes, page).toBeLessThan(200_000);
});

test("the page holds no script and no style of its own, and every file of it has a small form", () => {
  const html = text("index.html");
  expect(html).not.toMatch(/<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=/i);
  expect(
    [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(match => match[1]).every(each => each!.startsWith("/")),
  ).toBe(true);
  for (const name of scripts()) {
    if (statSync(path.join(webDirectory, name)).size > 1000)
      expect(existsSync(path.join(webDirectory, `${name}.br`)), name).toBe(true);
  }
});

test("nothing is asked of another host, and nothing is evaluated", () => {
  // Names of languages, an address in an error's text, and examples in fields.
  const known =
    /^https?:\/\/(www\.w3\.org\/|react\.dev\/errors\/|git\.example\.org\/|SERVER\/|10\.0\.0\.5\b)/;
  for (const name of scripts()) {
    const hosts = [...text(name).matchAll(/https?:\/\/[a-z0-9.-]+\/?[^"'`\s)]*/gi)].map(match => match[0]);
    expect([name, hosts.filter(host => !known.test(host))]).toEqual([name, []]);
    expect(text(name)).not.toMatch(/\bnew Function\(|[^.\w]eval\(|dangerouslySetInnerHTML:\{__html:(?!null)/);
  }
});
