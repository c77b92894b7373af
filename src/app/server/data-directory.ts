// What the server keeps in its data directory beside database and blobs: the key that values are sealed with, and the token
// of its own worker. Each is made once, readable by its owner alone.

import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { SlipwayError } from "../../core/failure.ts";

/** Makes it where it is missing. Throws SlipwayError `data-directory` where it cannot be written. */
export function openDataDirectory(directory: string): string {
  const absolute = path.resolve(directory);
  try {
    mkdirSync(absolute, { recursive: true });
    // As root the database runs as another user, who has to get through; what is private is closed by itself.
    chmodSync(absolute, process.getuid?.() === 0 ? 0o711 : 0o700);
    const probe = path.join(absolute, `.probe-${process.pid}`);
    writeFileSync(probe, "");
    rmSync(probe);
    return absolute;
  } catch (cause) {
    throw new SlipwayError("data-directory", `the data directory ${absolute} cannot be written`, {
      cause,
      hint: "choose another one with --data-dir or SLIPWAY_DATA_DIR",
    });
  }
}

/** Keys from the setting, or the one of the file, which is made where there is none. */
export function secretKeys(setting: string | undefined, directory: string): Uint8Array[] {
  const text =
    setting ?? readOrMake(path.join(directory, "secret.key"), () => randomBytes(32).toString("base64"));
  return text.split(",").map(each => Buffer.from(each.trim(), "base64"));
}

/** A text that is made once; several processes that begin together get the same. */
export function readOrMake(file: string, make: () => string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${make()}\n`, { mode: 0o600 });
  try {
    // Unlike a rename, a link does not replace what another process has made meanwhile.
    linkSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return readFileSync(file, "utf8").trim();
}
