// A daemon for tests that knows names of images and records what is asked of it.

import { accept, refuse } from "../../core/failure.ts";
import { packEntries } from "../../lib/tar/pack-entries.ts";
import type { ImageTools } from "../image-tools.ts";

/** Tools over a set of image names that starts empty. `record` hears of each call, as `commit NAME`. */
export function createFakeImages(record: (what: string) => void): ImageTools {
  const known = new Set<string>();
  const drain = async (archive: AsyncIterable<Uint8Array>) => {
    for await (const _ of archive) {
      // Taken and thrown away.
    }
  };
  return {
    exists: async image => known.has(image),
    pull: async (image, _credentials, progress) => {
      record(`pull ${image}`);
      progress(`pulled ${image}\n`);
      known.add(image);
      return accept(undefined);
    },
    commit: async name => {
      record(`commit ${name}`);
      known.add(name);
    },
    tag: async (image, name) => {
      record(`tag ${image} ${name}`);
      known.add(name);
    },
    push: async (image, _credentials, progress) => {
      record(`push ${image}`);
      if (!known.has(image)) return refuse("image-not-found", `there is no image ${image}`);
      progress(`pushed ${image}\n`);
      return accept(undefined);
    },
    remove: async image => {
      record(`remove ${image}`);
      known.delete(image);
    },
    save: async image => {
      record(`save ${image}`);
      const entry = { kind: "file", path: "manifest.json", content: "[]" } as const;
      return packEntries([entry], { owner: { uid: 0, gid: 0 }, mtime: 0 });
    },
    load: async archive => {
      record("load");
      await drain(archive);
      return accept(undefined);
    },
    build: async request => {
      record(`build ${request.tag}`);
      await drain(request.context);
      known.add(request.tag);
      return accept(undefined);
    },
    run: async request => {
      record(`run ${request.name} ${request.image}`);
      return accept(undefined);
    },
    kill: async name => {
      record(`kill ${name}`);
      return accept(undefined);
    },
  };
}
