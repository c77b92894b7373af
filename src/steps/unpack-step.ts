// Takes a step's tarball apart in memory. The archive comes from a stranger: it is bounded, may not name a path
// outside the step, and may bring nothing but files, directories and links that stay inside.

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { accept, type Refusal, type Result, refuse } from "../core/failure.ts";
import type { StepFile } from "../core/step-file.ts";
import { staysInside, stepLimits, unsafeLink } from "./step-directory.ts";

/**
 * The files of a tar or gzipped tar. Where all of them lie in one directory, as hosts of repositories pack them,
 * that directory is stripped. Refuses with `step-archive-unsafe`, `step-archive-broken` or `step-too-large`,
 * naming `from`.
 */
export async function unpackStep(
  bytes: Uint8Array,
  from: string,
  signal: AbortSignal,
): Promise<Result<StepFile[]>> {
  const { extract } = await import("tar-stream");
  const unpack = extract();
  const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const input = Readable.from([bytes]);
  const flow = zipped
    ? pipeline(input, createGunzip(), unpack, { signal })
    : pipeline(input, unpack, { signal });
  let refusal: Refusal | undefined;
  const files = new Map<string, StepFile>();
  let size = 0;
  flow.catch(() => {});
  try {
    for await (const entry of unpack) {
      const header = entry.header;
      const path = cleanPath(header.name);
      size += header.size ?? 0;
      if (size > stepLimits.bytes || files.size >= stepLimits.files) refusal = tooLarge(from);
      else if (path === undefined)
        refusal = unsafe(from, `the path ${JSON.stringify(header.name.slice(0, 200))}`);
      else if (header.type === "symlink") {
        const link = header.linkname ?? "";
        const checked = staysInside(path, link) ? undefined : unsafeLink(path, link);
        if (checked !== undefined && !checked.ok) refusal = checked.refusal;
        files.set(path, { path, mode: 0o777, link });
      } else if (header.type === "file" || header.type === "contiguous-file") {
        const content = await contentOf(entry);
        const mode = (header.mode ?? 0o644) & 0o777;
        if (path !== "") files.set(path, { path, mode, content });
      } else if (header.type !== "directory") {
        refusal = unsafe(from, `${path}, which is a ${header.type ?? "thing of no known kind"}`);
      }
      if (refusal !== undefined) return { ok: false, refusal };
      entry.resume();
    }
    await flow;
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    return refuse(
      "step-archive-broken",
      `${from} is not a tarball: ${reason}`,
      "give a .tar or .tar.gz of the step",
    );
  } finally {
    unpack.destroy();
  }
  if (files.size === 0)
    return refuse("step-archive-broken", `${from} holds no file`, "pack the step's files");
  return checkParents([...stripTop(files).values()], from);
}

async function contentOf(entry: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** Without `./` and empty parts; undefined where it leads out of the step. */
function cleanPath(name: string): string | undefined {
  if (name.startsWith("/") || name.includes("\0") || name.includes("\\")) return undefined;
  const parts = name.split("/").filter(part => part !== "" && part !== ".");
  return parts.includes("..") ? undefined : parts.join("/");
}

function stripTop(files: Map<string, StepFile>): Map<string, StepFile> {
  const tops = new Set(
    [...files.keys()].map(path => (path.includes("/") ? path.slice(0, path.indexOf("/")) : "")),
  );
  const [top] = tops;
  if (tops.size !== 1 || top === undefined || top === "") return files;
  return new Map(
    [...files.values()].map(file => {
      const path = file.path.slice(top.length + 1);
      return [path, { ...file, path }];
    }),
  );
}

/** A file below what is itself a file or a link would be written somewhere else than its path says. */
function checkParents(files: StepFile[], from: string): Result<StepFile[]> {
  const paths = new Set(files.map(file => file.path));
  for (const file of files) {
    if (file.link !== undefined && !staysInside(file.path, file.link))
      return unsafeLink(file.path, file.link);
    for (let slash = file.path.indexOf("/"); slash !== -1; slash = file.path.indexOf("/", slash + 1)) {
      const parent = file.path.slice(0, slash);
      if (paths.has(parent))
        return { ok: false, refusal: unsafe(from, `${file.path} below the file ${parent}`) };
    }
  }
  return accept(files.sort((a, b) => (a.path < b.path ? -1 : 1)));
}

function unsafe(from: string, what: string): Refusal {
  const hint = "pack regular files with paths inside the step";
  return { code: "step-archive-unsafe", message: `${from} has ${what}`, hint };
}

function tooLarge(from: string): Refusal {
  const message = `${from} has more than ${stepLimits.files} files or ${stepLimits.bytes} bytes unpacked`;
  return { code: "step-too-large", message, hint: "pack only what the step needs to run" };
}
