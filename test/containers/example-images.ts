// The images that the examples name, made from this machine's busybox and Node: no registry is asked. One that is
// already there is left as it is; one that was made here goes away again.

import { unlessGone } from "../../src/engine/docker/container-calls.ts";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import { imagePath } from "../../src/engine/docker/image-calls.ts";
import { followProgress } from "../../src/engine/docker/progress.ts";
import { type ImageFile, imageArchive } from "./image-archive.ts";
import { busyboxFiles, programFiles } from "./test-images.ts";

const env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];

const recipes: Record<string, () => ImageFile[]> = {
  "docker.io/library/busybox:1": () => busyboxFiles(),
  "docker.io/library/node:24": () => [...busyboxFiles(), ...programFiles("usr/bin/node", process.execPath)],
};

/** Makes what is missing at the daemon. Disposing removes just that. */
export async function makeExampleImages(client: DaemonClient): Promise<AsyncDisposable> {
  const made: string[] = [];
  for (const [name, files] of Object.entries(recipes)) {
    const there = await unlessGone(client.call({ method: "GET", path: `/images/${imagePath(name)}/json` }));
    if (there !== undefined) continue;
    const archive = await imageArchive(name, files(), { Env: env, Cmd: ["/bin/sh"] });
    const answer = await client.open({ method: "POST", path: "/images/load", upload: once(archive) });
    await followProgress(answer.body, () => {});
    made.push(name);
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const name of made.splice(0)) {
        const query = { force: true };
        await unlessGone(client.call({ method: "DELETE", path: `/images/${imagePath(name)}`, query }));
      }
    },
  };
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
