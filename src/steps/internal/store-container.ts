// internal/store-container: keeps the box as an image archive, compressed, with its digest beside it.

import { pipeline, Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { endOfArchive } from "../../lib/tar/tar-header.ts";
import { needsImages, passed, refused } from "./answers.ts";
import { fileEntry, textEntry } from "./file-entry.ts";
import type { InternalContext, InternalStep } from "./internal-step.ts";
import { temporaryFile } from "./temporary-file.ts";

export const storeContainer: InternalStep = { sync: true, run: store };

async function store(context: InternalContext) {
  const tools = needsImages(context);
  if ("refusal" in tools) return refused(context, tools.refusal);
  const { images } = tools;
  const { commit } = context.settings;
  const name = `${commit?.name ?? `run-${context.runId}`}:${commit?.tag ?? "latest"}`.toLowerCase();
  await images.commit(name, {}, context.signal);
  try {
    const saved = await images.save(name, context.signal);
    // Fast rather than small: layers of most images are compressed already where they came from.
    const compressed = pipeline(
      Readable.from(saved, { objectMode: false }),
      createGzip({ level: 1 }),
      () => {},
    );
    await using file = await temporaryFile(compressed);
    const stored = await context.storeFile("container", archiveOf(file));
    if (stored === "too-large" || stored === "empty") {
      const message = `the container is too large to be kept (${file.size} bytes)`;
      return refused(context, { code: "artifact-too-large", message, hint: "remove what it does not need" });
    }
    await context.say(`Stored ${name} (${file.size} bytes, sha256 ${file.sha256})\n${stored.location}\n`);
    return passed;
  } finally {
    if (commit === undefined) await images.remove(name);
  }
}

/** `docker load` takes `docker.tar.gz` as it is. */
async function* archiveOf(file: {
  size: number;
  sha256: string;
  read(): AsyncIterable<Uint8Array>;
}): AsyncGenerator<Uint8Array> {
  yield* fileEntry("container/docker.tar.gz", file.size, file.read());
  yield* textEntry("container/docker.tar.gz.sha256", `${file.sha256}  docker.tar.gz\n`);
  yield endOfArchive;
}
