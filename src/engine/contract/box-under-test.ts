// Drives a box in the contract suite the way a runner would, without a runner: reads its channel, starts session
// shells, lets them source a script. Only for tests.

import { relative } from "node:path/posix";
import { packEntries } from "../../lib/tar/pack-entries.ts";
import type { Box, BoxChannel, Workspace } from "../engine.ts";
import { greetingPrefix } from "../supervisor.ts";

/** An entry of an archive that a test puts into a box. */
export interface Entry {
  name: string;
  type?: "file" | "directory" | "symlink";
  mode?: number;
  uid?: number;
  gid?: number;
  content?: Uint8Array | string;
  link?: string;
}

/** A tar stream of the entries. */
export function tarOf(entries: Entry[]): AsyncIterable<Uint8Array> {
  const packed = entries.map(({ name, type = "file", uid = 0, gid = 0, mode, content = "", link = "" }) => {
    const common = { path: name, ...(mode === undefined ? {} : { mode }), owner: { uid, gid } };
    if (type === "symlink") return { ...common, kind: type, target: link };
    return type === "file" ? { ...common, kind: type, content } : { ...common, kind: type };
  });
  return packEntries(packed, { owner: { uid: 0, gid: 0 }, mtime: 1_500_000_000 });
}

const tailBytes = 8192;

/** Reads one channel to its end and remembers everything it said, by stream. */
class Listener {
  readonly channel: BoxChannel;
  readonly heard = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  #tails = { stdout: "", stderr: "" };
  readonly #chunks: Record<"stdout" | "stderr", Uint8Array[]> = { stdout: [], stderr: [] };
  readonly #iterator: AsyncIterator<{ stream: "stdout" | "stderr"; bytes: Uint8Array }>;

  constructor(channel: BoxChannel) {
    this.channel = channel;
    this.#iterator = channel.output[Symbol.asyncIterator]();
  }

  text(stream: "stdout" | "stderr"): string {
    return this.heard[stream].toString("latin1");
  }

  /** Reads on until `found` holds for the last that was heard (8 KiB a stream); throws when the output ends before. */
  async until(found: (stdout: string, stderr: string) => boolean): Promise<void> {
    while (!found(this.#tails.stdout, this.#tails.stderr)) {
      if (await this.#next()) continue;
      const heard = `${this.#tails.stdout}\n${this.#tails.stderr}`;
      throw new Error(`the box ended before it said what was waited for; it said:\n${heard}`);
    }
    this.#gather();
  }

  /** What was heard before no longer counts for `until`. */
  forget(): void {
    this.#tails = { stdout: "", stderr: "" };
  }

  /** Reads on to the end of the output. */
  async toEnd(): Promise<void> {
    while (await this.#next()) {
      // Everything is kept.
    }
    this.#gather();
  }

  async #next(): Promise<boolean> {
    const next = await this.#iterator.next();
    if (next.done === true) return false;
    const { stream, bytes } = next.value;
    this.#chunks[stream].push(bytes);
    const text = Buffer.from(bytes.subarray(-tailBytes)).toString("latin1");
    this.#tails[stream] = (this.#tails[stream] + text).slice(-tailBytes);
    return true;
  }

  #gather(): void {
    for (const stream of ["stdout", "stderr"] as const) {
      this.heard[stream] = Buffer.concat([this.heard[stream], ...this.#chunks[stream]]);
      this.#chunks[stream] = [];
    }
  }
}

/** How a session shell has ended, with all it printed. */
export interface ShellRun {
  status: number;
  stdout: string;
  stderr: string;
  /** How often the kernel has killed for memory in this box; -1 where it cannot be known. */
  memoryKills: number;
}

/** A started workspace as the contract suite uses it. */
export class BoxUnderTest {
  readonly workspace: Workspace;
  readonly box: Box;
  listener: Listener;
  #shells = 0;

  constructor(workspace: Workspace) {
    this.workspace = workspace;
    this.box = workspace.box;
    this.listener = new Listener(workspace.box.channel);
  }

  /** The supervisor's greeting on both streams. */
  async greeted(): Promise<void> {
    const prefix = greetingPrefix(this.listener.channel.nonce);
    const line = (text: string) => text.includes(prefix) && text.slice(text.indexOf(prefix)).includes("\n");
    await this.listener.until((stdout, stderr) => line(stdout) && line(stderr));
  }

  /** Starts a session shell that sources `script`. Returns a function that waits for the shell's end. */
  async begin(script: string, mode: "split" | "merged" = "split"): Promise<() => Promise<ShellRun>> {
    const number = ++this.#shells;
    const directory = `${this.workspace.paths.pipeline}/contract-${number}`;
    await this.write(`contract-${number}`, [{ name: "run.sh", content: script }]);
    const from = { stdout: this.listener.heard.stdout.length, stderr: this.listener.heard.stderr.length };
    this.listener.forget();
    const [a, b] = [`half${number}`, "and-half"];
    await this.listener.channel.write(`start ${a} ${b} ${mode}\n`);
    await this.listener.channel.write(`. '${directory}/run.sh'\n`);
    return async () => {
      const end = new RegExp(`${a}${b} end (\\d+) (\\d+|-)\\n`);
      await this.listener.until((stdout, stderr) => end.test(stdout) && end.test(stderr));
      const [stdout, stderr] = (["stdout", "stderr"] as const).map(stream =>
        this.listener.text(stream).slice(from[stream]),
      ) as [string, string];
      const [, status, kills = "-"] = end.exec(stdout) ?? [];
      const memoryKills = kills === "-" ? -1 : Number(kills);
      return {
        status: Number(status),
        memoryKills,
        stdout: stdout.replace(end, ""),
        stderr: stderr.replace(end, ""),
      };
    };
  }

  /** Runs `script`, which ends its shell, to that end. */
  async run(script: string, mode: "split" | "merged" = "split"): Promise<ShellRun> {
    const end = await this.begin(script, mode);
    return end();
  }

  /** Puts entries into a new directory `name` of the pipeline's directory. */
  async write(name: string, entries: Entry[]): Promise<void> {
    const { pipeline, root = "/" } = this.workspace.paths;
    const parts = relative(root, `${pipeline}/${name}`).split("/");
    const directories = parts.map(
      (_, index): Entry => ({ name: parts.slice(0, index + 1).join("/"), type: "directory" }),
    );
    const below = entries.map(entry => ({ ...entry, name: `${parts.join("/")}/${entry.name}` }));
    const archive = tarOf([...directories, ...below]);
    const result = await this.box.put(archive, root, new AbortController().signal);
    if (!result.ok) throw new Error(result.refusal.message);
  }

  /** Restarts the box's main process and listens to the new channel. */
  async restart(): Promise<void> {
    this.listener = new Listener(await this.box.restart(new AbortController().signal));
    await this.greeted();
  }
}
