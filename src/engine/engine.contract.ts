// What every engine promises, as tests. An adapter's own test file calls `engineContract` with a way to make the
// engine and to look for what it left behind. A case that an adapter cannot do is named with its reason, never
// left out in silence.

import { describe, expect, test } from "vitest";
import { Cancel } from "../core/cancel.ts";
import { readArchive } from "../lib/tar/read-archive.ts";
import { BoxUnderTest } from "./contract/box-under-test.ts";
import type { ContainerSpec, Engine, EngineNews, EngineRequest } from "./engine.ts";

/** The engine and what the suite needs to look behind it. Disposed of after each case. */
export interface EngineUnderTest extends AsyncDisposable {
  engine: Engine;
  /** Containers, networks, processes, directories that this engine has made and that are still there. */
  leftovers(): Promise<string[]>;
}

/** The scripts of the cases: sh by default; the scripted engine has its own words. */
export interface ContractScripts {
  /** Prints a line on each stream and ends the shell with `status`. */
  print(stdout: string, stderr: string, status: number): string;
  /** Prints the file's bytes on stdout and ends the shell. */
  printFile(path: string): string;
  /** Prints that many bytes, then writes the file, then ends the shell. */
  flood(bytes: number, thenWrite: string): string;
  /** Ends the shell as a KILL would. */
  dieByKill: string;
  /** Says `ready`, then neither ends nor answers a TERM. */
  ignoreTerm: string;
  /** Prints the variable and ends the shell. */
  printVariable(name: string): string;
  /** Starts a process that left the session and ignores TERM, writes its id into the file, says `ready`, waits. */
  daemon(file: string): string;
  /** Ends the shell with 0 when the process of the file lives, else 1. */
  isAlive(file: string): string;
}

/** A service that the adapter can run, for the cases that need one. */
export interface ContractService {
  /** Serves `text` to whoever connects on `port`. */
  serving(port: number, text: string): Partial<ContainerSpec>;
  /** A script that connects to host (sh text) and port, prints what it is served, ends the shell with 0. */
  read(host: string, port: string): string;
  /** Runs and never listens. */
  deaf: Partial<ContainerSpec>;
  /** Prints a line on each stream and exits with 4. */
  crashing(stdout: string, stderr: string): Partial<ContainerSpec>;
}

export type ContractCase = keyof typeof cases;

export interface ContractOptions {
  /** An image that is there and has `sh` and the usual tools. */
  image: string;
  /** An image that is nowhere. Needed unless `unknown image` is listed in `skip`. */
  unknownImage?: string;
  /** Needed unless the cases of services are listed in `skip`. */
  service?: ContractService;
  scripts?: ContractScripts;
  /** Cases that this engine cannot do, each with the reason. */
  skip: { case: ContractCase; reason: string }[];
  /** A name that the adapter's own environment holds and a box must not see. */
  foreignVariable?: string;
}

export const shellScripts: ContractScripts = {
  print: (stdout, stderr, status) => `echo '${stdout}'; echo '${stderr}' >&2; exit ${status}\n`,
  printFile: path => `cat '${path}'; exit 0\n`,
  flood: (bytes, then) => `head -c ${bytes} /dev/zero; echo done > '${then}'; exit 0\n`,
  dieByKill: "kill -KILL $$\n",
  ignoreTerm: "trap '' TERM; echo ready; while :; do sleep 1000; done\n",
  printVariable: name => `echo "\${${name}-unset}"; exit 0\n`,
  daemon: file =>
    `setsid sh -c 'trap "" TERM; echo $$ > ${file}; while :; do sleep 1000; done' </dev/null >/dev/null 2>&1 &\n` +
    `while [ ! -s '${file}' ]; do sleep 0.02 2>/dev/null || sleep 1; done; echo ready; while :; do sleep 1000; done\n`,
  // One that has ended and was not buried yet is no longer alive.
  isAlive: file =>
    `p=$(cat '${file}'); kill -0 "$p" 2>/dev/null || exit 1; ` +
    `case $(cat "/proc/$p/stat" 2>/dev/null) in *") Z "*) exit 1 ;; esac; exit 0\n`,
};

/** Registers the suite. `make` is called once for each case. */
export function engineContract(
  name: string,
  make: () => Promise<EngineUnderTest>,
  options: ContractOptions,
): void {
  const skipped = new Map(options.skip.map(entry => [entry.case, entry.reason]));
  describe(`${name} keeps the engine's contract`, () => {
    test("every left out case has a reason", () => {
      for (const [skippedCase, reason] of skipped) {
        expect(Object.keys(cases)).toContain(skippedCase);
        expect(reason, skippedCase).not.toBe("");
      }
    });
    for (const [title, run] of Object.entries(cases) as [ContractCase, CaseBody][]) {
      if (skipped.has(title)) continue;
      test(title, async () => {
        await using made = await make();
        await run(new Context(made, options));
        expect(await made.leftovers(), "left behind by the engine").toEqual([]);
      });
    }
  });
}

type CaseBody = (context: Context) => Promise<void>;

let runs = 0;

/** What a case works with. */
class Context {
  readonly engine: Engine;
  readonly made: EngineUnderTest;
  readonly options: ContractOptions;
  readonly scripts: ContractScripts;
  readonly news: EngineNews[] = [];
  readonly signal = new AbortController().signal;

  constructor(made: EngineUnderTest, options: ContractOptions) {
    this.made = made;
    this.engine = made.engine;
    this.options = options;
    this.scripts = options.scripts ?? shellScripts;
  }

  get service(): ContractService {
    if (this.options.service === undefined) throw new Error("this case needs options.service");
    return this.options.service;
  }

  container(change: Partial<ContainerSpec> = {}): ContainerSpec {
    const { image } = this.options;
    return { image, shownImage: image, alias: "", env: [], ports: [], volumes: [], ...change };
  }

  request(change: Partial<EngineRequest> = {}): EngineRequest {
    return {
      runId: `contract${process.pid}x${++runs}`,
      project: "contract",
      box: this.container(),
      services: [],
      pull: "never",
      daemonAccess: false,
      dns: [],
      exposePorts: false,
      enableVolumes: false,
      mounts: [],
      keep: false,
      report: news => {
        this.news.push(news);
      },
      signal: this.signal,
      ...change,
    };
  }

  /** Starts a box and waits for its greeting. The workspace must be disposed of by `await using`. */
  async start(change: Partial<EngineRequest> = {}): Promise<BoxUnderTest & AsyncDisposable> {
    const started = await this.engine.start(this.request(change));
    if (!started.ok) throw new Error(`${started.refusal.code}: ${started.refusal.message}`);
    const box = Object.assign(new BoxUnderTest(started.value), {
      [Symbol.asyncDispose]: () => started.value[Symbol.asyncDispose](),
    });
    try {
      await box.greeted();
    } catch (error) {
      await started.value[Symbol.asyncDispose]();
      throw error;
    }
    return box;
  }

  /** The news' output of one stream as text. */
  printed(stream: string): string {
    return this.news
      .map(news =>
        news.kind === "output" && news.stream === stream ? Buffer.from(news.bytes).toString() : "",
      )
      .join("");
  }
}

/** An entry of an archive that came out of a box. */
interface Found {
  path: string;
  kind: string;
  mode: number;
  uid: number;
  gid: number;
  link?: string;
  content: Buffer;
}

async function entriesOf(archive: AsyncIterable<Uint8Array> | undefined): Promise<Found[]> {
  if (archive === undefined) throw new Error("nothing came out of the box");
  const found: Found[] = [];
  for await (const entry of readArchive(archive)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry.content) chunks.push(chunk);
    found.push({ ...entry, mode: entry.mode & 0o777, content: Buffer.concat(chunks) });
  }
  return found;
}

function named(found: Found[], path: string): Found {
  const entry = found.find(one => one.path === path);
  if (entry === undefined) throw new Error(`no ${path} among ${found.map(one => one.path).join(", ")}`);
  return entry;
}

/** A byte pattern in which a lost, doubled or swapped chunk shows. */
function pattern(bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let index = 0; index < bytes; index++) buffer[index] = (index * 31 + (index >> 8) * 7) & 0xff;
  return buffer;
}

const cases = {
  "greets on both streams and takes what is written": async context => {
    await using box = await context.start();
    const run = await box.run(context.scripts.print("to stdout", "to stderr", 0));
    expect(run).toEqual({ status: 0, stdout: "to stdout\n", stderr: "to stderr\n" });
  },

  "stderr joins stdout in merged mode": async context => {
    await using box = await context.start();
    const run = await box.run(context.scripts.print("one", "two", 0), "merged");
    expect(run).toEqual({ status: 0, stdout: "one\ntwo\n", stderr: "" });
  },

  "a megabyte of bytes comes out as it is": async context => {
    await using box = await context.start();
    const bytes = pattern(1_048_576);
    await box.write("big", [{ name: "bytes", content: bytes }]);
    const run = await box.run(context.scripts.printFile(`${box.workspace.paths.pipeline}/big/bytes`));
    expect(Buffer.from(run.stdout, "latin1").equals(bytes)).toBe(true);
    expect(run.status).toBe(0);
  },

  "output that nobody reads holds the box back": async context => {
    await using box = await context.start();
    const flag = `${box.workspace.paths.report}-flag`;
    await box.write("flags", [{ name: "here", content: "" }]);
    const directory = `${box.workspace.paths.pipeline}/flags`;
    const bytes = 64 * 1_048_576;
    const end = await box.begin(context.scripts.flood(bytes, `${directory}/done`));
    // Several round trips through the engine: time enough for 64 MiB, were it not held back.
    for (let look = 0; look < 10; look++) {
      await box.box.get(flag, context.signal);
      expect(await box.box.get(`${directory}/done`, context.signal)).toBeUndefined();
    }
    const run = await end();
    expect(run.stdout.length).toBe(bytes);
    expect(await box.box.get(`${directory}/done`, context.signal).then(entriesOf)).toHaveLength(1);
  },

  "tells a shell's end and starts another in the same box": async context => {
    await using box = await context.start();
    expect((await box.run(context.scripts.print("a", "b", 3))).status).toBe(3);
    expect((await box.run(context.scripts.dieByKill)).status).toBe(137);
    const third = await box.run(context.scripts.print("still", "here", 0));
    expect(third).toEqual({ status: 0, stdout: "still\n", stderr: "here\n" });
  },

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

  "a script that ignores TERM ends by KILL, the supervisor by neither": async context => {
    await using box = await context.start();
    const end = await box.begin(context.scripts.ignoreTerm);
    await box.listener.until(stdout => stdout.includes("ready\n"));
    await box.box.signalAll("TERM");
    await box.box.signalAll("KILL");
    expect((await end()).status).toBe(137);
    await box.box.signalAll("TERM");
    await box.box.signalAll("KILL");
    expect((await box.run(context.scripts.print("alive", "", 0))).stdout).toBe("alive\n");
  },

  "a daemon that left the session and ignores TERM ends by KILL": async context => {
    await using box = await context.start();
    const file = `${box.workspace.paths.pipeline}/daemon/pid`;
    await box.write("daemon", [{ name: "here", content: "" }]);
    const end = await box.begin(context.scripts.daemon(file));
    await box.listener.until(stdout => stdout.includes("ready\n"));
    await box.box.signalAll("TERM");
    expect((await end()).status).toBe(143);
    expect((await box.run(context.scripts.isAlive(file))).status).toBe(0);
    await box.box.signalAll("KILL");
    expect((await box.run(context.scripts.isAlive(file))).status).toBe(1);
  },

  "a box whose main process has ended still gives its files and can be restarted": async context => {
    await using box = await context.start();
    const { channel } = box.listener;
    await box.write("kept", [{ name: "file", content: "kept" }]);
    await channel.write("exit 5\n");
    await box.listener.toEnd();
    expect(await channel.closed).toEqual({ kind: "exited", exitCode: 5, outOfMemory: false });
    const { pipeline } = box.workspace.paths;
    await box.write("late", [{ name: "file", content: "put after the end" }]);
    expect(await box.box.get(`${pipeline}/kept/file`, context.signal).then(entriesOf)).toHaveLength(1);
    await box.restart();
    expect(box.box.channel).toBe(box.listener.channel);
    expect(box.listener.channel.nonce).not.toBe("");
    const run = await box.run(context.scripts.printFile(`${pipeline}/late/file`));
    expect(run).toEqual({ status: 0, stdout: "put after the end", stderr: "" });
  },

  "writing to a box that is gone does not hang": async context => {
    await using box = await context.start();
    const { channel } = box.listener;
    await channel.write("exit 0\n");
    await box.listener.toEnd();
    await channel.closed;
    // Dropped or refused: `closed` tells what happened. Only waiting for ever would be wrong.
    await channel.write("start A B split\n".repeat(100_000)).catch(() => undefined);
  },

  "the box has its own variables": async context => {
    await using box = await context.start({
      box: context.container({
        env: [
          { name: "GIVEN", value: 'it\'s "given" $HOME' },
          { name: "EMPTY", value: "" },
        ],
      }),
    });
    expect((await box.run(context.scripts.printVariable("GIVEN"))).stdout).toBe('it\'s "given" $HOME\n');
    expect((await box.run(context.scripts.printVariable("EMPTY"))).stdout).toBe("\n");
  },

  "the box has none of our variables": async context => {
    const { foreignVariable } = context.options;
    if (foreignVariable === undefined) throw new Error("this case needs options.foreignVariable");
    await using box = await context.start();
    expect((await box.run(context.scripts.printVariable(foreignVariable))).stdout).toBe("unset\n");
  },

  "an image that is nowhere is refused by name": async context => {
    const image = context.options.unknownImage;
    if (image === undefined) throw new Error("this case needs options.unknownImage");
    const started = await context.engine.start(
      context.request({ box: context.container({ image, shownImage: image }) }),
    );
    if (started.ok) await started.value[Symbol.asyncDispose]();
    expect(started).toMatchObject({ ok: false, refusal: { code: "image-not-found" } });
    if (!started.ok) expect(started.refusal.message).toContain(image);
  },

  "an abort before the start leaves by its reason": async context => {
    const reason = new Cancel("canceled", "changed my mind");
    const starting = context.engine.start(context.request({ signal: AbortSignal.abort(reason) }));
    await expect(starting).rejects.toBe(reason);
  },

  "an abort in the midst of the start leaves by its reason": async context => {
    const reason = new Cancel("timed-out", "took too long");
    const abort = new AbortController();
    const starting = context.engine.start(context.request({ signal: abort.signal }));
    abort.abort(reason);
    await expect(starting).rejects.toBe(reason);
  },

  "disposing twice, side by side and while a script runs leaves nothing": async context => {
    const box = await context.start();
    await box.begin(context.scripts.ignoreTerm);
    await box.listener.until(stdout => stdout.includes("ready\n"));
    await Promise.all([box[Symbol.asyncDispose](), box[Symbol.asyncDispose]()]);
    await box[Symbol.asyncDispose]();
    expect((await box.listener.channel.closed).kind).toBeTypeOf("string");
  },

  "two boxes at once do not see each other": async context => {
    await using one = await context.start();
    await using other = await context.start();
    await one.write("mine", [{ name: "file", content: "1" }]);
    expect(await other.box.get(`${other.workspace.paths.pipeline}/mine`, context.signal)).toBeUndefined();
    const end = await one.begin(context.scripts.ignoreTerm);
    await one.listener.until(stdout => stdout.includes("ready\n"));
    const running = await other.begin(context.scripts.ignoreTerm);
    await other.listener.until(stdout => stdout.includes("ready\n"));
    await one.box.signalAll("KILL");
    expect((await end()).status).toBe(137);
    await other.box.signalAll("KILL");
    expect((await running()).status).toBe(137);
  },

  "a service is reached through its link variables": async context => {
    const { service, scripts } = context;
    const serving = context.container({ alias: "my-store", ...service.serving(8099, "served") });
    await using box = await context.start({
      services: [{ ...serving, ready: { port: 8099, timeoutMs: 20_000 } }],
    });
    const run = await box.run(service.read("$MY_STORE_PORT_8099_TCP_ADDR", "$MY_STORE_PORT_8099_TCP_PORT"));
    expect(run).toMatchObject({ status: 0, stdout: expect.stringContaining("served") });
    expect((await box.run(scripts.printVariable("MY_STORE_PORT"))).stdout).toMatch(/^tcp:\/\/[\d.]+:8099\n$/);
    expect((await box.run(scripts.printVariable("MY_STORE_PORT_8099_TCP_PROTO"))).stdout).toBe("tcp\n");
  },

  "a service is reached by its alias": async context => {
    const { service } = context;
    const serving = context.container({ alias: "store", ...service.serving(8098, "by name") });
    await using box = await context.start({
      services: [{ ...serving, ready: { port: 8098, timeoutMs: 20_000 } }],
    });
    const run = await box.run(service.read("store", "8098"));
    expect(run).toMatchObject({ status: 0, stdout: expect.stringContaining("by name") });
  },

  "a service that never gets ready is refused": async context => {
    const deaf = context.container({ alias: "deaf", ...context.service.deaf });
    const started = await context.engine.start(
      context.request({ services: [{ ...deaf, ready: { port: 8097, timeoutMs: 300 } }] }),
    );
    if (started.ok) await started.value[Symbol.asyncDispose]();
    expect(started).toMatchObject({ ok: false, refusal: { code: "service-not-ready" } });
    if (!started.ok) expect(started.refusal.message).toContain("deaf");
  },

  "a crashed service's last words are reported": async context => {
    const crashing = context.container({
      alias: "weak",
      ...context.service.crashing("last words", "and why"),
    });
    await using box = await context.start({ services: [crashing] });
    const name = crashing.shownImage;
    await reported(context, () => context.printed(`${name}-stdout`).includes("last words"));
    await reported(context, () => context.printed(`${name}-stderr`).includes("and why"));
    expect((await box.run(context.scripts.print("goes on", "", 0))).stdout).toBe("goes on\n");
  },
} satisfies Record<string, CaseBody>;

/** Waits for news that nobody announces. */
async function reported(context: Context, here: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!here()) {
    if (performance.now() > deadline) throw new Error(`not reported; got ${JSON.stringify(context.news)}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
