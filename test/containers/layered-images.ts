// Several images that share layers, loaded in one go, from layers that lie as tar files on this machine.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { followProgress } from "../../src/engine/docker/progress.ts";
import { type ImageConfig, sha256 } from "./image-archive.ts";

export interface LayeredImage {
  /** With a tag. */
  name: string;
  /** Paths of tar files, lowest first. */
  layers: string[];
  config: ImageConfig;
}

/** Makes the images at the daemon. Never holds a layer in memory. */
export async function loadImages(client: DaemonClient, images: LayeredImage[]): Promise<void> {
  const digests = new Map<string, string>();
  for (const layer of new Set(images.flatMap(image => image.layers))) {
    digests.set(layer, await digestOf(layer));
  }
  const answer = await client.open({
    method: "POST",
    path: "/images/load",
    upload: archive(images, digests),
  });
  await followProgress(answer.body, () => {});
}

async function* archive(images: LayeredImage[], digests: Map<string, string>): AsyncGenerator<Uint8Array> {
  const out = pack();
  const filling = fill(out, images, digests);
  filling.catch(error => out.destroy(error as Error));
  for await (const chunk of out) yield chunk as Uint8Array;
  await filling;
}

async function fill(out: Pack, images: LayeredImage[], digests: Map<string, string>): Promise<void> {
  const layerFile = (layer: string) => `${digests.get(layer)}.tar`;
  for (const layer of digests.keys()) {
    const { size } = await stat(layer);
    await pipeline(createReadStream(layer), out.entry({ name: layerFile(layer), size }));
  }
  const manifest = images.map(({ name, layers, config }) => {
    const description = describe(
      layers.map(layer => digests.get(layer) ?? ""),
      config,
    );
    const file = `${sha256(description)}.json`;
    out.entry({ name: file }, description);
    return { Config: file, RepoTags: [name], Layers: layers.map(layerFile) };
  });
  out.entry({ name: "manifest.json" }, JSON.stringify(manifest));
  out.finalize();
}

function describe(digests: string[], config: ImageConfig): string {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const created = "2020-01-01T00:00:00Z";
  return JSON.stringify({
    architecture,
    os: "linux",
    created,
    config,
    rootfs: { type: "layers", diff_ids: digests.map(digest => `sha256:${digest}`) },
    history: digests.map(() => ({ created, created_by: "slipway test" })),
  });
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
