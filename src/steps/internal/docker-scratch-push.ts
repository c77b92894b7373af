// internal/docker-scratch-push: pushes an image that holds the pipeline's output and nothing else, in one layer.

import { createHash } from "node:crypto";
import { accept, type Result, refuse } from "../../core/failure.ts";
import type { CommitConfig } from "../../engine/image-tools.ts";
import { ArchiveRefused, readArchive } from "../../lib/tar/read-archive.ts";
import { encodeHeader, endOfArchive, paddingOf } from "../../lib/tar/tar-header.ts";
import { needsImages, passed, refused } from "./answers.ts";
import { fileEntry, textEntry } from "./file-entry.ts";
import { imageConfig } from "./image-config.ts";
import type { InternalContext, InternalStep } from "./internal-step.ts";
import { pushAll, pushTarget, removeTags } from "./push-target.ts";
import { type TemporaryFile, temporaryFile } from "./temporary-file.ts";

export const dockerScratchPush: InternalStep = { sync: true, run: push };

const largestLayer = 5000 * 1024 * 1024;

async function push(context: InternalContext) {
  const tools = needsImages(context);
  if ("refusal" in tools) return refused(context, tools.refusal);
  const { images } = tools;
  const config = imageConfig(context);
  if (!config.ok) return refused(context, config.refusal);
  const target = await pushTarget(context);
  if (!target.ok) return refused(context, target.refusal);

  const found = await layerOf(context);
  if (!found.ok) return refused(context, found.refusal);
  await using layer = found.value;
  const name = `${target.value.repository}:${target.value.tags[0]}`;
  const loaded = await images.load(
    imageArchive(layer, config.value, name, architectureOf(context)),
    context.progress,
    context.signal,
  );
  if (!loaded.ok) return refused(context, loaded.refusal);
  const refusal = await pushAll(context, images, name, target.value);
  await removeTags(context, images, target.value);
  return refusal === undefined ? passed : refused(context, refusal);
}

/** The output, or the source where the pipeline put no file there. */
async function layerOf(context: InternalContext): Promise<Result<TemporaryFile>> {
  const { pipeline } = context.paths;
  const places = [`${pipeline}/output`, context.job.basePath ?? `${pipeline}/source`];
  for (const place of places) {
    const archive = await context.box.get(place, context.signal);
    if (archive === undefined) continue;
    const counted = { files: 0 };
    let layer: TemporaryFile;
    try {
      layer = await temporaryFile(layerArchive(archive, counted));
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof ArchiveRefused) return { ok: false, refusal: error.refusal };
      throw error;
    }
    if (counted.files > 0) return accept(layer);
    await layer[Symbol.asyncDispose]();
  }
  return refuse(
    "no-output",
    `there is no file in ${places.join(" nor in ")}`,
    "put into $WERCKER_OUTPUT_DIR what the image shall hold",
  );
}

/** Without the top directory's name, owned by root. */
async function* layerArchive(
  archive: AsyncIterable<Uint8Array>,
  counted: { files: number },
): AsyncGenerator<Uint8Array> {
  const inner = (path: string) => (path.includes("/") ? path.slice(path.indexOf("/") + 1) : "");
  for await (const entry of readArchive(archive, { maxTotalBytes: largestLayer })) {
    const path = inner(entry.path);
    if (path === "") continue;
    const { kind, mode, size, mtime, link } = entry;
    if (kind !== "directory") counted.files++;
    const target = kind === "hardlink" && link !== undefined ? inner(link) : link;
    const header = { path, kind, mode, uid: 0, gid: 0, size, mtime };
    yield encodeHeader(target === undefined ? header : { ...header, link: target });
    yield* entry.content;
    if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size));
  }
  yield endOfArchive;
}

/** What `docker load` takes: the configuration, the layer, and what names them. */
async function* imageArchive(
  layer: TemporaryFile,
  config: CommitConfig,
  name: string,
  architecture: string,
): AsyncGenerator<Uint8Array> {
  const text = imageConfiguration(layer.sha256, config, architecture);
  const id = createHash("sha256").update(text).digest("hex");
  const manifest = [{ Config: `${id}.json`, RepoTags: [name], Layers: [`${layer.sha256}/layer.tar`] }];
  yield* textEntry(`${id}.json`, text);
  yield* fileEntry(`${layer.sha256}/layer.tar`, layer.size, layer.read());
  yield* textEntry("manifest.json", JSON.stringify(manifest));
  yield endOfArchive;
}

/** The same for the same content, whenever it is made. */
export function imageConfiguration(layerSha256: string, config: CommitConfig, architecture: string): string {
  const set = (names: string[] | undefined) =>
    names === undefined ? undefined : Object.fromEntries(names.map(name => [name, {}]));
  const created = "1970-01-01T00:00:00Z";
  return JSON.stringify({
    architecture,
    os: "linux",
    created,
    config: {
      Cmd: config.cmd,
      Entrypoint: config.entrypoint,
      Env: config.env,
      WorkingDir: config.workingDir,
      ExposedPorts: set(config.ports),
      Volumes: set(config.volumes),
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${layerSha256}`] },
    history: [{ created, created_by: "internal/docker-scratch-push" }],
  });
}

/** What the box's programs are made for: what the job asks for, else what machines are like this one. */
function architectureOf(context: InternalContext): string {
  return context.job.resources?.arch ?? (process.arch === "arm64" ? "arm64" : "amd64");
}
