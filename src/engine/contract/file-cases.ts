// Archives into a box and out of it. Part of the contract suite.

import { expect } from "vitest";
import { Cancel } from "../../core/cancel.ts";
import { tarOf } from "./box-under-test.ts";
import { type Cases, entriesOf, named, pattern } from "./context.ts";

export const fileCases = {
  "files go in and come out with modes and links": async context => {
    await using box = await context.start();
    await box.write("tree", [
      { name: "plain.txt", content: "plain", mode: 0o640 },
      { name: "tool", content: "#!/bin/sh\n", mode: 0o755 },
      { name: "sub", type: "directory", mode: 0o750 },
      { name: "sub/deep", content: pattern(70_000) },
      { name: "sub/up", type: "symlink", link: "../plain.txt" },
      { name: "sub/away", type: "symlink", link: "/etc/passwd" },
      { name: `${"long-".repeat(30)}name`, content: "long" },
      { name: "snowman-\u2603", content: "\u2603" },
    ]);
    const found = await box.box.get(`${box.workspace.paths.pipeline}/tree`, context.signal).then(entriesOf);
    expect(named(found, "tree").kind).toBe("directory");
    expect(named(found, "tree/plain.txt")).toMatchObject({ mode: 0o640, content: Buffer.from("plain") });
    expect(named(found, "tree/tool").mode).toBe(0o755);
    expect(named(found, "tree/sub").mode & 0o700).toBe(0o700);
    expect(named(found, "tree/sub/deep").content.equals(pattern(70_000))).toBe(true);
    expect(named(found, "tree/sub/up")).toMatchObject({ kind: "symlink", link: "../plain.txt" });
    expect(named(found, "tree/sub/away")).toMatchObject({ kind: "symlink", link: "/etc/passwd" });
    expect(named(found, `tree/${"long-".repeat(30)}name`).content.toString()).toBe("long");
    expect(named(found, "tree/snowman-\u2603").content.toString()).toBe("\u2603");
    expect(found).toHaveLength(9);
  },

  "owners of an archive are kept": async context => {
    await using box = await context.start();
    await box.write("owned", [{ name: "by-somebody", content: "x", uid: 1234, gid: 2345 }]);
    const found = await box.box
      .get(`${box.workspace.paths.pipeline}/owned/by-somebody`, context.signal)
      .then(entriesOf);
    expect(found).toMatchObject([{ path: "by-somebody", uid: 1234, gid: 2345 }]);
  },

  "a put replaces what is there": async context => {
    await using box = await context.start();
    await box.write("twice", [
      { name: "file", content: "a long first text" },
      { name: "link", type: "symlink", link: "file" },
    ]);
    await box.write("twice", [
      { name: "file", content: "second" },
      { name: "link", content: "no link any more" },
    ]);
    const found = await box.box.get(`${box.workspace.paths.pipeline}/twice`, context.signal).then(entriesOf);
    expect(named(found, "twice/file").content.toString()).toBe("second");
    expect(named(found, "twice/link")).toMatchObject({ kind: "file" });
    expect(named(found, "twice/link").content.toString()).toBe("no link any more");
  },

  "nothing comes out where nothing is": async context => {
    await using box = await context.start();
    await box.write("some", [{ name: "file", content: "x" }]);
    const { pipeline } = box.workspace.paths;
    expect(await box.box.get(`${pipeline}/none`, context.signal)).toBeUndefined();
    expect(await box.box.get(`${pipeline}/none/below`, context.signal)).toBeUndefined();
    expect(await box.box.get(`${pipeline}/some/file/below`, context.signal)).toBeUndefined();
  },

  "a link comes out as a link": async context => {
    await using box = await context.start();
    await box.write("links", [
      { name: "to-passwd", type: "symlink", link: "/etc/passwd" },
      { name: "to-nowhere", type: "symlink", link: "gone" },
      { name: "to-root", type: "symlink", link: "/" },
    ]);
    const { pipeline } = box.workspace.paths;
    for (const [name, link] of [
      ["to-passwd", "/etc/passwd"],
      ["to-nowhere", "gone"],
      ["to-root", "/"],
    ] as const) {
      const found = await box.box.get(`${pipeline}/links/${name}`, context.signal).then(entriesOf);
      expect(found).toMatchObject([{ path: name, kind: "symlink", link }]);
    }
  },

  "files go in and come out while a script runs": async context => {
    await using box = await context.start();
    const end = await box.begin(context.scripts.ignoreTerm);
    await box.listener.until(stdout => stdout.includes("ready\n"));
    await box.write("meanwhile", [{ name: "file", content: "here" }]);
    const path = `${box.workspace.paths.pipeline}/meanwhile/file`;
    const [one, other] = await Promise.all([
      box.box.get(path, context.signal).then(entriesOf),
      box.box.get(path, context.signal).then(entriesOf),
    ]);
    expect([one, other]).toMatchObject([[{ path: "file" }], [{ path: "file" }]]);
    await box.box.signalAll("KILL");
    await end();
  },

  "an archive that breaks off is an error, and the box lives on": async context => {
    await using box = await context.start();
    const broken = new Error("the source is gone");
    async function* breaking() {
      yield new Uint8Array(512);
      throw broken;
    }
    const { root = "/" } = box.workspace.paths;
    await expect(box.box.put(breaking(), root, context.signal)).rejects.toThrow();
    expect((await box.run(context.scripts.print("alive", "", 0))).stdout).toBe("alive\n");
  },

  "an aborted put and get leave by the signal's reason": async context => {
    await using box = await context.start();
    const reason = new Cancel("canceled", "no longer wanted");
    const { root = "/", pipeline } = box.workspace.paths;
    await box.write("some", [{ name: "file", content: "x" }]);
    await expect(box.box.get(`${pipeline}/some/file`, AbortSignal.abort(reason))).rejects.toBe(reason);
    const abort = new AbortController();
    const begun = Promise.withResolvers<void>();
    async function* endless() {
      yield* tarOf([{ name: "begun", content: "x" }]);
      begun.resolve();
      await new Promise(() => {});
    }
    const putting = box.box.put(endless(), root, abort.signal);
    putting.catch(() => undefined);
    await begun.promise;
    abort.abort(reason);
    await expect(putting).rejects.toBe(reason);
  },
} satisfies Cases;
