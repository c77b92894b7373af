// Runs a step of the bundled library as the runner does: exports its variables, sources the init script and
// `run.sh` in one shell. The commands that a step calls are stubs that write down how they were called; besides
// them only the plain tools of a small image are on PATH.

import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { initScript } from "../src/steps/init-step.ts";
import { readManifest } from "../src/steps/manifest.ts";

export interface StepShell {
  name: string;
  command: string[];
}

const tools =
  "[ awk base64 basename cat chmod cp cut date dirname env expr find grep gzip head id ln ls mkdir mktemp mv printf pwd rm " +
  "sed sort tail tar tee test touch tr true uname uniq wc";

/** The shells of this machine that steps have to work in. */
export const stepShells: StepShell[] = [
  { name: "sh", command: ["/bin/sh"] },
  { name: "bash", command: ["/bin/bash"] },
  { name: "busybox sh", command: [busybox(), "sh"] },
].filter(shell => shell.command[0] !== "" && existsSync(shell.command[0]!));

function busybox(): string {
  return ["/bin/busybox", "/usr/bin/busybox"].find(existsSync) ?? "";
}

export interface StepRun {
  shell: StepShell;
  options?: Record<string, string>;
  environment?: Record<string, string>;
  /** Files of the source directory. */
  files?: Record<string, string>;
  /** Name to what the stub does after it has written its call down: sh, `exit 0` when empty. */
  stubs?: Record<string, string>;
  /** Typed before and after the step in the same shell. */
  before?: string;
  after?: string;
}

export interface StepEnd {
  status: number | null;
  output: string;
  /** What the step left in its message file. */
  message: string;
  /** One line a call: name and arguments, each in brackets. */
  calls: string[];
  /** Whether the session shell lived on, and what it then had. */
  cwd: string | undefined;
  environment: Record<string, string>;
}

/** A place to run steps in, one per test. */
export class StepSandbox implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "slipway-step-"));
  readonly source = join(this.root, "pipeline/source");
  readonly cache = join(this.root, "pipeline/cache");
  readonly home = join(this.root, "home");

  constructor() {
    for (const directory of [this.source, this.cache, this.home, join(this.root, "pipeline/output")]) {
      mkdirSync(directory, { recursive: true });
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  read(path: string): string | undefined {
    const full = join(this.root, path);
    return existsSync(full) ? readFileSync(full, "utf8") : undefined;
  }

  write(path: string, text: string, mode = 0o644): void {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text, { mode });
  }

  /** Runs `steps/<name>/run.sh`. */
  async run(name: string, run: StepRun): Promise<StepEnd> {
    const step = join(import.meta.dirname, "../steps", name);
    const { manifest } = await readManifest(readFileSync(join(step, "step.yml"), "utf8"));
    for (const [path, text] of Object.entries(run.files ?? {})) this.write(`pipeline/source/${path}`, text);
    this.layTools(run);
    this.write("init.sh", initScript);
    rmSync(join(this.root, "calls"), { force: true });
    rmSync(join(this.root, "message"), { force: true });
    const variables = [
      ...manifest.properties.map(property => [property.name, property.default]),
      ...Object.entries(run.options ?? {}),
    ].map(([option, value]) => [variableOf(name, option!), value!]);
    const script = [
      `. ${this.root}/init.sh`,
      "set +e",
      run.before ?? ":",
      `. ${step}/run.sh </dev/null`,
      `echo $? > ${this.root}/status`,
      run.after ?? ":",
      `pwd > ${this.root}/cwd`,
      `env > ${this.root}/environment`,
      "",
    ].join("\n");
    for (const left of ["status", "cwd", "environment"]) rmSync(join(this.root, left), { force: true });
    const [program, ...args] = run.shell.command;
    const child = spawnSync(program!, args, {
      cwd: this.source,
      input: script,
      encoding: "utf8",
      env: { ...this.environment(step), ...Object.fromEntries(variables), ...run.environment },
    });
    const status = this.read("status");
    return {
      status: status === undefined ? child.status : Number(status),
      output: child.stdout + child.stderr,
      message: this.read("message") ?? "",
      calls: (this.read("calls") ?? "").split("\n").slice(0, -1),
      cwd: this.read("cwd")?.trim(),
      environment: parseEnvironment(this.read("environment") ?? ""),
    };
  }

  private environment(step: string): Record<string, string> {
    return {
      PATH: `${this.root}/stubs:${this.root}/tools`,
      HOME: this.home,
      CALLS: join(this.root, "calls"),
      WERCKER: "true",
      WERCKER_ROOT: this.source,
      WERCKER_SOURCE_DIR: this.source,
      WERCKER_CACHE_DIR: this.cache,
      WERCKER_OUTPUT_DIR: join(this.root, "pipeline/output"),
      WERCKER_PIPELINE_DIR: join(this.root, "pipeline"),
      WERCKER_STEP_ROOT: step,
      WERCKER_REPORT_MESSAGE_FILE: join(this.root, "message"),
    };
  }

  private layTools(run: StepRun): void {
    rmSync(join(this.root, "stubs"), { recursive: true, force: true });
    for (const [name, body] of Object.entries(run.stubs ?? {})) {
      const log = `{ printf '%s' ${name}; for a; do printf ' [%s]' "$a"; done; echo; } >> "$CALLS"`;
      this.write(`stubs/${name}`, `#!/bin/sh\n${log}\n${body}\n`, 0o755);
    }
    rmSync(join(this.root, "tools"), { recursive: true, force: true });
    mkdirSync(join(this.root, "tools"));
    const isBusybox = run.shell.name.startsWith("busybox");
    for (const tool of tools.split(" ")) {
      const found = isBusybox ? busybox() : ["/bin", "/usr/bin"].map(at => join(at, tool)).find(existsSync);
      if (found !== undefined) symlinkSync(found, join(this.root, "tools", tool));
    }
    symlinkSync("/bin/sh", join(this.root, "tools/sh"));
  }
}

/** The variable in which a step finds an option. */
export function variableOf(step: string, option: string): string {
  return `WERCKER_${step}_${option}`.replaceAll("-", "_").toUpperCase();
}

function parseEnvironment(text: string): Record<string, string> {
  const lines = text.split("\n").filter(line => line.includes("="));
  return Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}
