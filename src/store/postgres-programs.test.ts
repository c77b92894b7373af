import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { databaseUser } from "./database-user.ts";
import { postgresPrograms } from "./postgres-programs.ts";

let place: string;
beforeEach(() => (place = mkdtempSync(path.join(os.tmpdir(), "slipway-programs-"))));
afterEach(() => rmSync(place, { recursive: true, force: true }));

function packageWithoutLinks(): string {
  const root = path.join(place, "package");
  for (const each of ["bin", "lib"]) mkdirSync(path.join(root, "native", each), { recursive: true });
  writeFileSync(path.join(root, "native", "bin", "postgres"), "");
  writeFileSync(path.join(root, "native", "lib", "lib.so.1.2"), "library");
  writeFileSync(path.join(root, "package.json"), '{ "version": "18.0.0" }');
  const links = [{ source: "native/lib/lib.so.1.2", target: "native/lib/lib.so.1" }];
  writeFileSync(path.join(root, "native", "pg-symlinks.json"), JSON.stringify(links));
  return root;
}

test("programs without the links that npm should have made are copied, with them; once", () => {
  const bin = postgresPrograms(place, false, packageWithoutLinks());
  expect(bin).toBe(path.join(place, "postgres-18.0.0", "native", "bin"));
  const link = path.join(bin, "..", "lib", "lib.so.1");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(link, "utf8")).toBe("library");
  expect(postgresPrograms(place, false, path.join(place, "package"))).toBe(bin);
});

test("programs that another user cannot get to are copied", () => {
  const root = packageWithoutLinks();
  writeFileSync(path.join(root, "native", "pg-symlinks.json"), "[]");
  expect(postgresPrograms(place, false, root)).toBe(path.join(root, "native", "bin"));
  // What mkdtemp makes is closed to others.
  expect(postgresPrograms(place, true, root)).toContain(path.join(place, "postgres-18.0.0"));
});

test("the database's user is one that the machine has, and nobody only as the last", () => {
  const passwd = "root:x:0:0::/:\nnobody:x:65534:65533::/:\ndaemon:x:1:2::/:\n";
  expect(databaseUser(passwd, true)).toEqual({ uid: 1, gid: 2 });
  expect(databaseUser("nobody:x:65534:65533::/:", true)).toEqual({ uid: 65_534, gid: 65_533 });
  expect(databaseUser(passwd, false)).toBeUndefined();
});
