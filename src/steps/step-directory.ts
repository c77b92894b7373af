// Reads the files of a step from a directory of this machine, bounded and in a fixed order, and says what they
// are by one digest. Links may point inside the step only.

import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { accept, type Result, refuse } from "../core/failure.ts";
import type { StepFile } from "../core/step-file.ts";

/** What a step may hold at most, wherever it comes from. */
export const stepLimits = { files: 10_000, bytes: 256 * 1024 * 1024 };

/** Never part of a step. */
const leftOut = new Set([".git", ".wercker"]);

/**
 * All files below `directory`. Refuses (`step-archive-unsafe`) a link that leads out and
 * (`step-too-large`) more than `stepLimits`. Sockets, devices and the like are left out.
 */
export async function readStepDirectory(directory: string): Promise<Result<StepFile[]>> {
  const files: StepFile[] = [];
  let bytes = 0;
  const open: string[] = [""];
  while (open.length > 0) {
    const at = open.pop()!;
    const entries = await readdir(join(directory, at), { withFileTypes: true });
    for (const entry of entries) {
      const path = at === "" ? entry.name : `${at}/${entry.name}`;
      if (leftOut.has(path)) continue;
      if (entry.isDirectory()) {
        open.push(path);
        continue;
      }
      if (entry.isSymbolicLink()) {
        const link = await readlink(join(directory, path));
        if (!staysInside(path, link)) return unsafeLink(path, link);
        files.push({ path, mode: 0o777, link });
      } else if (entry.isFile()) {
        const { mode, size } = await lstat(join(directory, path));
        bytes += size;
        if (bytes > stepLimits.bytes) return tooLarge(directory);
        files.push({ path, mode: mode & 0o777, content: await readFile(join(directory, path)) });
      }
      if (files.length > stepLimits.files) return tooLarge(directory);
    }
  }
  return accept(files.sort((a, b) => (a.path < b.path ? -1 : 1)));
}

/** Whether a link at `path` with the target `link` ends inside the step. */
export function staysInside(path: string, link: string): boolean {
  if (link.startsWith("/") || link === "") return false;
  const target = posix.normalize(posix.join(posix.dirname(path), link));
  return target !== ".." && !target.startsWith("../");
}

/** The refusal for a link that leads out of the step. */
export function unsafeLink(path: string, link: string): Result<never> {
  return refuse(
    "step-archive-unsafe",
    `the step's link ${path} leads out of the step, to ${link}`,
    "a step may link to its own files only",
  );
}

function tooLarge(directory: string): Result<never> {
  return refuse(
    "step-too-large",
    `the step in ${directory} has more than ${stepLimits.files} files or ${stepLimits.bytes} bytes`,
    "point to the step's own directory",
  );
}

/** sha256 of paths, executable bits, contents and link targets; the same for the same step on every machine. */
export function digestOfFiles(files: StepFile[]): string {
  const hash = createHash("sha256");
  for (const file of files) {
    const content = file.content ?? Buffer.from(file.link ?? "");
    const kind = file.link === undefined ? ((file.mode & 0o111) === 0 ? "file" : "program") : "link";
    hash.update(`${kind}\0${file.path}\0${content.byteLength}\0`);
    hash.update(content);
  }
  return `sha256:${hash.digest("hex")}`;
}
