// The main process of a fake box: speaks the supervisor's protocol and runs session shells that interpret the words of
// script-words.ts. No process is started and nothing waits on a real clock.

import type { Clock } from "../../lib/clock.ts";
import type { BoxChannel, BoxEnd } from "../engine.ts";
import { greetingPrefix } from "../supervisor.ts";
import type { FileTree } from "./file-tree.ts";
import { createOutputQueue, type OutputQueue } from "./output-queue.ts";
import { type Command, expandVariables, parseScript } from "./script-words.ts";
import { readGroup, type TypedCommand, type TypedGroup } from "./typed-group.ts";

/** How the box says that it is up, if it does. */
export type FakeGreeting =
  | { kind: "normal" }
  /** Never says anything. */
  | { kind: "none" }
  /** Prints something else, as an image does whose entrypoint swallows the shell, and perhaps ends. */
  | { kind: "other"; text: string; exitCode?: number };

export interface FakeProcessOptions {
  nonce: string;
  clock: Clock;
  tree: FileTree;
  environment: { name: string; value: string }[];
  greeting: FakeGreeting;
  user: { uid: number; gid: number };
  shell: string;
  /** Counts the memory kills of the box; outlives the process. */
  memory: { kills: number };
}

/** A session shell. */
interface Shell {
  token: string;
  merged: boolean;
  variables: Map<string, string>;
  directory: string;
  errexit: boolean;
  ignoresTerm: boolean;
  over: boolean;
  /** Resolves when the shell is over: whatever it waits for ends with it. */
  ended: PromiseWithResolvers<void>;
}

/** How a script or a typed command went: `died` when the shell ended in it. */
type Went = { status: number; phase?: string } | "died";

export class FakeProcess {
  readonly channel: BoxChannel;
  readonly #options: FakeProcessOptions;
  readonly #queue: OutputQueue = createOutputQueue();
  readonly #closed = Promise.withResolvers<BoxEnd>();
  #end: BoxEnd | undefined;
  #shell: Shell | undefined;
  #group: TypedGroup = { token: undefined, commands: [] };
  #phase = "-";
  #typing: Promise<void> = Promise.resolve();

  constructor(options: FakeProcessOptions) {
    this.#options = options;
    this.channel = {
      nonce: options.nonce,
      output: this.#queue.output,
      closed: this.#closed.promise,
      write: async text => {
        if (this.#end !== undefined) throw new Error("fake engine: the box has ended");
        this.#typing = this.#typing.then(() => this.#take(text));
      },
    };
    this.#greet();
  }

  get running(): boolean {
    return this.#end === undefined;
  }

  /** The connection to it broke: nothing is known of it any more. */
  get lost(): boolean {
    return this.#end?.kind === "lost";
  }

  /** What a signal to all processes but the supervisor does. */
  signal(signal: "TERM" | "KILL"): void {
    const shell = this.#shell;
    if (shell === undefined || (signal === "TERM" && shell.ignoresTerm)) return;
    this.#endShell(shell, signal === "TERM" ? 143 : 137);
  }

  /** Ends the main process. Fine when it has ended. */
  close(end: BoxEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (this.#shell !== undefined) this.#shell.over = true;
    this.#shell?.ended.resolve();
    this.#queue.end();
    this.#closed.resolve(end);
  }

  #greet(): void {
    const { greeting, nonce, user, shell } = this.#options;
    if (greeting.kind === "normal") {
      this.#sayOnBoth(`${greetingPrefix(nonce)}${user.uid} ${user.gid} ${shell}`);
    } else if (greeting.kind === "other") {
      void this.#queue.push("stdout", Buffer.from(greeting.text));
      if (greeting.exitCode !== undefined) {
        this.close({ kind: "exited", exitCode: greeting.exitCode, outOfMemory: false });
      }
    }
  }

  async #take(text: string): Promise<void> {
    if (this.#options.greeting.kind !== "normal") return;
    let rest = text;
    while (rest !== "" && this.#shell === undefined && this.#end === undefined) {
      const cut = rest.indexOf("\n") + 1 || rest.length;
      this.#command(rest.slice(0, cut).trim().split(/\s+/));
      rest = rest.slice(cut);
    }
    if (rest.trim() !== "" && this.#shell !== undefined) await this.#runGroup(this.#shell, readGroup(rest));
  }

  /** A line to the supervisor. */
  #command([word, a = "", b = "", mode = ""]: string[]): void {
    if (word === "exit") {
      this.close({ kind: "exited", exitCode: Number.parseInt(a, 10) || 0, outOfMemory: false });
    }
    if (word !== "start") return;
    this.#shell = {
      token: a + b,
      merged: mode === "merged",
      variables: new Map(this.#options.environment.map(({ name, value }) => [name, value])),
      directory: "/",
      errexit: false,
      ignoresTerm: false,
      over: false,
      ended: Promise.withResolvers(),
    };
  }

  async #runGroup(shell: Shell, group: TypedGroup): Promise<void> {
    this.#group = group;
    this.#phase = "-";
    shell.errexit = false;
    let status = 0;
    for (const command of group.commands) {
      const went = await this.#typed(shell, command);
      if (went === "died" || shell.over) return;
      status = went.status;
      this.#phase = went.phase ?? this.#phase;
      if (status !== 0) break;
    }
    this.#record(shell, "end", status);
  }

  async #typed(shell: Shell, command: TypedCommand): Promise<Went> {
    const { tree } = this.#options;
    const passed = { status: 0 };
    switch (command.kind) {
      case "export": {
        const { name, value, expands } = command;
        shell.variables.set(name, expands ? expandVariables(value, shell.variables) : value);
        return passed;
      }
      case "source":
        return this.#source(shell, command.path, command.ifThere);
      case "save-exports":
        tree.write(command.path, exportsOf(shell));
        return passed;
      case "empty-file":
        if (tree.read(command.path) !== undefined) tree.write(command.path, "");
        return passed;
      case "print-environment":
        await this.#print(shell, "stdout", environmentOf(shell));
        return passed;
      case "remove-directory":
        tree.remove(command.path);
        return passed;
      case "make-directory":
        tree.makeDirectory(command.path);
        return passed;
      case "enter-directory": {
        const path = this.#path(shell, command.path);
        if (!tree.isDirectory(path)) return { status: 1, phase: "cwd" };
        shell.directory = path;
        return passed;
      }
      case "exit":
        return this.#exit(shell, command.status);
    }
  }

  async #source(shell: Shell, path: string, ifThere: boolean): Promise<Went> {
    const script = this.#options.tree.read(path);
    if (script === undefined) return ifThere ? { status: 0 } : { status: 1, phase: "missing" };
    this.#phase = /\/(\w+)\.sh$/.exec(path)?.[1] ?? "-";
    for (const command of parseScript(script.toString("utf8"))) {
      const went = await this.#run(shell, command);
      if (shell.over) return "died";
      if (went !== undefined) return went;
    }
    return { status: 0 };
  }

  /** Runs one word. Answers where the script ends with it. */
  async #run(shell: Shell, command: Command): Promise<Went | undefined> {
    switch (command.word) {
      case "print":
        await this.#print(shell, command.stream, `${expandVariables(command.text, shell.variables)}\n`);
        return undefined;
      case "print-env":
        await this.#print(shell, "stdout", `${shell.variables.get(command.name) ?? "unset"}\n`);
        return undefined;
      case "bytes":
        await this.#print(shell, "stdout", command.bytes);
        return undefined;
      case "flood":
        for (let left = command.bytes; left > 0 && !shell.over; left -= 65_536) {
          await this.#print(shell, "stdout", Buffer.alloc(Math.min(left, 65_536), "x"));
        }
        return undefined;
      case "cat": {
        const content = this.#options.tree.read(this.#path(shell, command.path));
        if (content === undefined) return this.#return(shell, 1);
        await this.#print(shell, "stdout", content);
        return undefined;
      }
      case "sleep":
        await this.#sleep(shell, command.ms);
        return undefined;
      case "sleep-times":
        if (this.#visits(shell, command.word) <= command.times) await this.#sleep(shell, command.ms);
        return undefined;
      case "fail-times":
        return this.#visits(shell, command.word) <= command.times ? this.#return(shell, 1) : undefined;
      case "silent":
        await shell.ended.promise;
        return undefined;
      default:
        return this.#change(shell, command) ? undefined : this.#finish(shell, command);
    }
  }

  /** Words that change something and are done; false for any other. */
  #change(shell: Shell, command: Command): boolean {
    const { tree } = this.#options;
    const { variables } = shell;
    switch (command.word) {
      case "write":
        tree.write(this.#path(shell, command.path), expandVariables(command.text, variables));
        return true;
      case "link":
        tree.link(this.#path(shell, command.path), command.target);
        return true;
      case "remove":
        tree.remove(this.#path(shell, command.path));
        return true;
      case "message":
        tree.write(variables.get("WERCKER_REPORT_MESSAGE_FILE") ?? "", command.text);
        return true;
      case "export":
        variables.set(command.name, expandVariables(command.value, variables));
        return true;
      case "errexit":
        shell.errexit = command.on;
        return true;
      case "ignore-term":
        shell.ignoresTerm = true;
        return true;
      default:
        return false;
    }
  }

  /** Words that end the script, the shell or the box. */
  #finish(shell: Shell, command: Command): Went | undefined {
    switch (command.word) {
      case "exit":
        return this.#exit(shell, command.status);
      case "return":
        return this.#return(shell, command.status);
      case "kill-shell":
        this.#endShell(shell, 128 + command.signal);
        return "died";
      case "oom":
        this.#options.memory.kills += 1;
        this.#endShell(shell, 137);
        return "died";
      case "lose-box":
        this.close({ kind: "lost", message: "the connection to the box broke" });
        return "died";
      case "box-exits":
        this.close({ kind: "exited", exitCode: command.status, outOfMemory: command.outOfMemory });
        return "died";
      default:
        return undefined;
    }
  }

  /** How often the step has come to a word that counts, in a file of the box: a new shell goes on counting. */
  #visits(shell: Shell, word: string): number {
    const { tree } = this.#options;
    const path = `/tmp/${word}-${shell.variables.get("WERCKER_STEP_ID")}`;
    const visits = Number(tree.read(path)?.toString() ?? 0) + 1;
    tree.write(path, String(visits));
    return visits;
  }

  async #sleep(shell: Shell, ms: number): Promise<void> {
    const slept = Promise.withResolvers<void>();
    const disarm = this.#options.clock.after(ms, slept.resolve);
    await Promise.race([slept.promise, shell.ended.promise]);
    disarm();
  }

  #return(shell: Shell, status: number): Went {
    if (status !== 0 && shell.errexit) return this.#exit(shell, status);
    return { status };
  }

  /** The shell's own end: it still says so. */
  #exit(shell: Shell, status: number): Went {
    this.#record(shell, "died", status);
    this.#endShell(shell, status);
    return "died";
  }

  #endShell(shell: Shell, status: number): void {
    if (shell.over) return;
    shell.over = true;
    shell.ended.resolve();
    if (this.#shell === shell) this.#shell = undefined;
    this.#sayOnBoth(`${shell.token} end ${status} ${this.#options.memory.kills}`);
  }

  #record(shell: Shell, kind: "end" | "died", status: number): void {
    if (this.#group.token === undefined) return;
    const message = shell.variables.get("WERCKER_REPORT_MESSAGE_FILE") ?? "";
    const { tree } = this.#options;
    const flag = tree.isLink(message) || (tree.read(message) ?? "").length > 0 ? "m" : "-";
    this.#sayOnBoth(`${this.#group.token} ${kind} ${status} ${this.#phase} ${flag} - `);
  }

  /** A record is said whether or not anybody reads; it is what the reader waits for. */
  #sayOnBoth(line: string): void {
    for (const stream of ["stdout", "stderr"] as const) {
      void this.#queue.push(stream, Buffer.from(`${line}\n`));
    }
  }

  async #print(shell: Shell, stream: "stdout" | "stderr", content: string | Uint8Array): Promise<void> {
    const printed = this.#queue.push(shell.merged ? "stdout" : stream, Buffer.from(content));
    await Promise.race([printed, shell.ended.promise]);
  }

  #path(shell: Shell, path: string): string {
    const expanded = expandVariables(path, shell.variables);
    return expanded.startsWith("/") ? expanded : `${shell.directory}/${expanded}`;
  }
}

function environmentOf(shell: Shell): string {
  return [...shell.variables].map(([name, value]) => `${name}=${value}\0`).join("");
}

/** The variables as a script of the fake's own words. */
function exportsOf(shell: Shell): string {
  return [...shell.variables]
    .filter(([, value]) => !/[\n$]/.test(value))
    .map(([name, value]) => `export ${name}=${value}\n`)
    .join("");
}
