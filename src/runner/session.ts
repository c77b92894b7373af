// Talks to the supervisor of one box and to the session shells it starts. It knows groups, tokens and their ends;
// it knows nothing of steps. One reader of the channel; output between two groups waits for the next one, so that
// nothing is lost and the box is held back by whoever is slow.

import { SlipwayError } from "../core/failure.ts";
import type { BoxChannel, BoxEnd } from "../engine/engine.ts";
import { greetingPrefix } from "../engine/supervisor.ts";
import type { Clock } from "../lib/clock.ts";
import { sessionPrelude, type Token } from "../plan/step-script.ts";
import { createMarkerReader, type MarkerReader } from "./marker-reader.ts";

type Stream = "stdout" | "stderr";

/** Takes output of the running group; awaited before more is read. */
export type OutputSink = (stream: Stream, bytes: Uint8Array) => Promise<void>;

/** What the box says of itself when it is up. */
export interface Greeting {
  uid: number;
  gid: number;
  shell: string;
}

/** What a shell tells at the end of a group, or as it dies. */
export interface GroupRecord {
  status: number;
  phase: string;
  hasMessage: boolean;
  /** Line in the sourced file, where the shell knows it. */
  line?: number;
  /** The command that failed, where the shell is bash. */
  command?: string;
}

export type GroupEnd =
  /** The group ran to its end and the shell lives. */
  | { kind: "ended"; record: GroupRecord }
  /** The session shell has ended inside the group. `record` is there if it could say so itself. */
  | { kind: "shell-ended"; status: number; memoryKills: number; record?: GroupRecord }
  /** The box's main process is gone. */
  | { kind: "box-ended"; end: BoxEnd };

export interface SessionOptions {
  /** stderr joins stdout, as the original had it. */
  merged: boolean;
  random(): string;
  clock: Clock;
}

interface Current {
  token: string;
  sink: OutputSink;
  ended: Set<Stream>;
  shellEnded: Set<Stream>;
  record?: GroupRecord;
  settle(end: GroupEnd): void;
}

const ignoreOutput: OutputSink = () => Promise.resolve();

export class Session {
  readonly #channel: BoxChannel;
  readonly #options: SessionOptions;
  readonly #readers: Record<Stream, MarkerReader> = {
    stdout: createMarkerReader(),
    stderr: createMarkerReader(),
  };
  readonly #greeted = Promise.withResolvers<Greeting | BoxEnd>();
  readonly #greetings = new Map<Stream, Greeting>();
  #shellToken = "";
  #shellEnd: { status: number; memoryKills: number } | undefined;
  #memoryKills = 0;
  #current: Current | undefined;
  #wake: (() => void) | undefined;
  #boxEnd: BoxEnd | undefined;
  #beforeGreeting = "";

  constructor(channel: BoxChannel, options: SessionOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#expect();
    this.#pump().catch(error => this.#closed({ kind: "lost", message: String(error) }));
  }

  /** Waits for the supervisor's greeting on both streams. Undefined when it does not come within `ms`. */
  async greeting(ms: number): Promise<Greeting | BoxEnd | undefined> {
    const late = Promise.withResolvers<undefined>();
    const disarm = this.#options.clock.after(ms, () => late.resolve(undefined));
    try {
      return await Promise.race([this.#greeted.promise, late.promise]);
    } finally {
      disarm();
    }
  }

  /** What the image printed instead of or before the greeting, for messages; at most 4 KiB. */
  get printedBeforeGreeting(): string {
    return this.#beforeGreeting;
  }

  /** Starts a session shell and gives it our functions. The one before must have ended. */
  async startShell(): Promise<GroupEnd> {
    const token = this.#token();
    this.#shellToken = token.a + token.b;
    this.#shellEnd = undefined;
    await this.#channel.write(`start ${token.a} ${token.b} ${this.#options.merged ? "merged" : "split"}\n`);
    return this.group(own => sessionPrelude(own, this.#options.merged), ignoreOutput);
  }

  /** Types one group and waits for its end. One at a time. Never rejects for what the box does. */
  async group(text: (token: Token) => string, sink: OutputSink): Promise<GroupEnd> {
    if (this.#current !== undefined) throw new SlipwayError("session-busy", "a group is still running");
    if (this.#boxEnd !== undefined) return { kind: "box-ended", end: this.#boxEnd };
    if (this.#shellEnd !== undefined) return { kind: "shell-ended", ...this.#shellEnd };
    const token = this.#token();
    const done = Promise.withResolvers<GroupEnd>();
    this.#current = {
      token: token.a + token.b,
      sink,
      ended: new Set(),
      shellEnded: new Set(),
      settle: done.resolve,
    };
    this.#expect();
    this.#wake?.();
    try {
      await this.#channel.write(text(token));
    } catch {
      // The box is going away; `closed` says how.
    }
    const end = await done.promise;
    this.#current = undefined;
    return end;
  }

  /** Tells the supervisor to end the box with a status. Fine when it is gone already. */
  async exit(status: number): Promise<void> {
    await this.#channel.write(`exit ${status}\n`).catch(() => undefined);
  }

  #token(): Token {
    const text = this.#options.random() + this.#options.random();
    return { a: text.slice(0, 20), b: text.slice(20, 40) };
  }

  #expect(): void {
    const tokens = [greetingPrefix(this.#channel.nonce)];
    if (this.#shellToken !== "") tokens.push(this.#shellToken);
    if (this.#current !== undefined) tokens.push(this.#current.token);
    for (const reader of Object.values(this.#readers)) reader.expect(tokens);
  }

  async #pump(): Promise<void> {
    for await (const { stream, bytes } of this.#channel.output) {
      await this.#take(stream, this.#readers[stream].push(bytes));
    }
    for (const stream of ["stdout", "stderr"] as const) {
      await this.#take(stream, this.#readers[stream].flush());
    }
    this.#closed(await this.#channel.closed);
  }

  async #take(stream: Stream, parts: ReturnType<MarkerReader["push"]>): Promise<void> {
    for (const part of parts) {
      if (part.kind === "record") this.#record(stream, part.token, part.text);
      else await this.#output(stream, part.bytes);
    }
  }

  async #output(stream: Stream, bytes: Uint8Array): Promise<void> {
    if (this.#greetings.size < 2) {
      if (this.#beforeGreeting.length < 4096) this.#beforeGreeting += Buffer.from(bytes).toString("utf8");
      return;
    }
    while (this.#current === undefined && this.#boxEnd === undefined) {
      const woken = Promise.withResolvers<void>();
      this.#wake = woken.resolve;
      await Promise.race([woken.promise, this.#channel.closed]);
      if (this.#current === undefined) return;
    }
    await this.#current?.sink(stream, bytes);
  }

  #record(stream: Stream, token: string, text: string): void {
    if (token === greetingPrefix(this.#channel.nonce)) {
      const [uid, gid, shell] = text.split(" ");
      this.#greetings.set(stream, { uid: number(uid), gid: number(gid), shell: shell ?? "" });
      if (this.#greetings.size === 2) this.#greeted.resolve(this.#greetings.get("stdout") as Greeting);
      return;
    }
    if (token === this.#shellToken) this.#shellRecord(stream, text);
    else if (this.#current !== undefined) this.#groupRecord(this.#current, stream, text);
  }

  /** A shell may also end between two groups (a trap, a kill from outside): the next group then says so. */
  #shellRecord(stream: Stream, text: string): void {
    const [, status, kills] = text.split(" ");
    if (this.#shellEnd === undefined) {
      const grown = Math.max(0, number(kills) - this.#memoryKills);
      this.#memoryKills += grown;
      this.#shellEnd = { status: number(status), memoryKills: grown };
    }
    const current = this.#current;
    if (current === undefined) return;
    current.shellEnded.add(stream);
    if (current.shellEnded.size < 2) return;
    current.settle({ kind: "shell-ended", ...this.#shellEnd, ...recordOf(current.record) });
  }

  #groupRecord(current: Current, stream: Stream, text: string): void {
    const [kind, status, phase, message, line, ...command] = text.split(" ");
    current.record ??= {
      status: number(status),
      phase: phase ?? "-",
      hasMessage: message === "m",
      ...(number(line) > 0 ? { line: number(line) } : {}),
      ...(command.length > 0 ? { command: command.join(" ") } : {}),
    };
    if (kind !== "end") return;
    current.ended.add(stream);
    if (current.ended.size === 2) current.settle({ kind: "ended", record: current.record });
  }

  #closed(end: BoxEnd): void {
    this.#boxEnd = end;
    this.#greeted.resolve(end);
    this.#current?.settle({ kind: "box-ended", end });
    this.#wake?.();
  }
}

function recordOf(record: GroupRecord | undefined): { record?: GroupRecord } {
  return record === undefined ? {} : { record };
}

function number(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
}
