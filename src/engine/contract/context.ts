// What a case of the contract suite is given: the engine under test, a way to start boxes of it, and the scripts that
// it can run. Only for tests.

import { readArchive } from "../../lib/tar/read-archive.ts";
import type { ContainerSpec, Engine, EngineNews, EngineRequest } from "../engine.ts";
import { plainContainer, plainRequest } from "../fixtures/plain-request.ts";
import { BoxUnderTest } from "./box-under-test.ts";

/** The engine and what the suite needs to look behind it. Disposed of after each case. */
export interface EngineUnderTest extends AsyncDisposable {
  engine: Engine;
  /** Containers, networks, processes, directories that this engine has made and that are still there. */
  leftovers(): Promise<string[]>;
  /** Kills the main process of the run's box from outside. Needed unless that case is listed in `skip`. */
  killBox?(runId: string): Promise<void>;
}

/** The scripts of the cases: sh by default; the scripted engine has its own words. */
export interface ContractScripts {
  /** Prints a line on each stream and ends the shell with `status`. */
  print(stdout: string, stderr: string, status: number): string;
  /** Prints `o1` to `oN` on stdout and `e1` to `eN` on stderr, in turn, and ends the shell. */
  printLines(count: number): string;
  /** Prints the file's bytes on stdout and ends the shell. */
  printFile(path: string): string;
  /** Prints 128 KiB `count` times and writes after each how often into `progress`, then ends the shell. */
  flood(count: number, progress: string): string;
  /** Ends the shell by using more memory than the box has. */
  eatMemory: string;
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

export interface ContractOptions<C extends string = string> {
  /** An image that is there and has `sh` and the usual tools. */
  image: string;
  /** An image that is nowhere. Needed unless `unknown image` is listed in `skip`. */
  unknownImage?: string;
  /** Needed unless the cases of services are listed in `skip`. */
  service?: ContractService;
  scripts?: ContractScripts;
  /** Cases that this engine cannot do, each with the reason. */
  skip: { case: C; reason: string }[];
  /** A name that the adapter's own environment holds and a box must not see. */
  foreignVariable?: string;
}

export const shellScripts: ContractScripts = {
  print: (stdout, stderr, status) => `echo '${stdout}'; echo '${stderr}' >&2; exit ${status}\n`,
  printLines: count =>
    `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo o$i; echo e$i >&2; done; exit 0\n`,
  printFile: path => `cat '${path}'; exit 0\n`,
  flood: (count, progress) =>
    `i=0; while [ $i -lt ${count} ]; do head -c 131072 /dev/zero; i=$((i+1)); echo $i > '${progress}'; done; exit 0\n`,
  eatMemory: "exec tail /dev/zero\n",
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

/** A case: what has to hold, by its title. */
export type Cases = Record<string, (context: Context) => Promise<void>>;

let runs = 0;

/** What a case works with. */
export class Context {
  readonly engine: Engine;
  readonly made: EngineUnderTest;
  readonly options: ContractOptions;
  readonly scripts: ContractScripts;
  readonly news: EngineNews[] = [];
  /** Id of the run that was asked for last. */
  runId = "";
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
    return plainContainer({ image, shownImage: image, ...change });
  }

  request(change: Partial<EngineRequest> = {}): EngineRequest {
    this.runId = `contract${process.pid}x${++runs}`;
    return plainRequest({
      runId: this.runId,
      project: "contract",
      box: this.container(),
      report: news => {
        this.news.push(news);
      },
      signal: this.signal,
      ...change,
    });
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
export interface Found {
  path: string;
  kind: string;
  mode: number;
  uid: number;
  gid: number;
  link?: string;
  content: Buffer;
}

/** Every entry of an archive, with its content. */
export async function entriesOf(archive: AsyncIterable<Uint8Array> | undefined): Promise<Found[]> {
  if (archive === undefined) throw new Error("nothing came out of the box");
  const found: Found[] = [];
  for await (const entry of readArchive(archive)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry.content) chunks.push(chunk);
    found.push({ ...entry, mode: entry.mode & 0o777, content: Buffer.concat(chunks) });
  }
  return found;
}

/** The one of that path. */
export function named(found: Found[], path: string): Found {
  const entry = found.find(one => one.path === path);
  if (entry === undefined) throw new Error(`no ${path} among ${found.map(one => one.path).join(", ")}`);
  return entry;
}

/** A byte pattern in which a lost, doubled or swapped chunk shows. */
export function pattern(bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let index = 0; index < bytes; index++) buffer[index] = (index * 31 + (index >> 8) * 7) & 0xff;
  return buffer;
}

/** Waits for news that nobody announces. */
export async function reported(context: Context, here: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!here()) {
    if (performance.now() > deadline) throw new Error(`not reported; got ${JSON.stringify(context.news)}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
