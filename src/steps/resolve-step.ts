// From what a pipeline file calls a step to its files: script, internal, bundled library, `file://`, tarball, git.
// Resolving pins a step (commit, digest, version) so that the job runs the same files later and elsewhere; giving
// its files checks that they still are what was pinned. No place is asked that the file or the settings do not name.

import { realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve as resolvePath } from "node:path";
import { accept, type Refusal, type Result, refuse, SlipwayError } from "../core/failure.ts";
import type { StepSource, StepSpec } from "../core/job.ts";
import type { StepFile, StepFiles } from "../core/step-file.ts";
import type { Clock } from "../lib/clock.ts";
import { nearestNames } from "../lib/nearest.ts";
import { type BundledSteps, openBundledSteps } from "./bundled-steps.ts";
import type { GitRunner } from "./git-command.ts";
import { type GitSteps, openGitSteps } from "./git-steps.ts";
import { initScript } from "./init-step.ts";
import { devActions, internalActions } from "./internal-names.ts";
import { type Manifest, manifestNames, readManifest } from "./manifest.ts";
import { scriptFiles } from "./script-files.ts";
import { digestOfFiles, readStepDirectory } from "./step-directory.ts";
import { parseStepReference, type StepReference } from "./step-reference.ts";
import { StepRefused } from "./step-refused.ts";
import { openTarballSteps, type TarballSteps } from "./tarball-steps.ts";

export interface StepStoreOptions {
  /** Cache of fetched steps; made when first needed. */
  stepsDir: string;
  /** The library that comes with Slipway. */
  bundledDir: string;
  /** With `{owner}` and `{name}`. No default: without it no host is ever asked. */
  gitTemplate?: string;
  /** `internal/watch`, `internal/shell` and `file://` are there. */
  devSteps: boolean;
  /** `file://` is there although the other dev steps are not: on a platform the project comes along. */
  fileSteps?: boolean;
  /** The project's directory, to which `file://` paths are relative. */
  baseDir: string;
  /** Refuse `file://` paths that lead out of the project. */
  confineFiles?: boolean;
  fetch: typeof globalThis.fetch;
  git: GitRunner;
  clock: Clock;
}

/** A step found and pinned. */
export interface ResolvedStep {
  owner: string;
  name: string;
  source: StepSource;
  properties: { name: string; default: string }[];
  /** Where its files lie on this machine, if they do as files. */
  dir?: string;
  /** To tell people; the step works all the same. */
  warnings: string[];
  /** Set where the step is to be left out of the job, with what to say about it. */
  ignored?: string;
}

export interface StepStore {
  /**
   * Finds a step by its id as written. `code` is the text of a script step. A refusal names the step and every
   * place that was looked at. May be repeated: a range is looked up anew each time. Throws SlipwayError where a
   * host cannot be reached and nothing is cached, and the signal's reason when aborted.
   */
  resolve(ref: string, signal: AbortSignal, code?: string): Promise<Result<ResolvedStep>>;
  /** The files of a step of a job. Throws StepRefused where they are gone or are not what was pinned. */
  files: StepFiles;
}

interface Sources {
  options: StepStoreOptions;
  bundled: BundledSteps;
  tarballs: TarballSteps;
  git: GitSteps;
}

/** The store that the settings describe. Nothing is read or made before it is asked for a step. */
export function createStepStore(options: StepStoreOptions): StepStore {
  const sources: Sources = {
    options,
    bundled: openBundledSteps(options.bundledDir),
    tarballs: openTarballSteps({ directory: join(options.stepsDir, "tarballs"), ...options }),
    git: openGitSteps({ directory: join(options.stepsDir, "git"), run: options.git }),
  };
  return {
    resolve: (ref, signal, code) => resolveStep(sources, ref, signal, code ?? ""),
    files: (step, signal) => filesOf(sources, step, signal),
  };
}

async function resolveStep(
  sources: Sources,
  ref: string,
  signal: AbortSignal,
  code: string,
): Promise<Result<ResolvedStep>> {
  signal.throwIfAborted();
  const parsed = parseStepReference(ref);
  if (!parsed.ok) return parsed;
  const reference = parsed.value;
  if (reference.name === "script") return accept(found(reference, { kind: "script", code }));
  if (reference.owner === "internal" && reference.url === undefined)
    return internal(sources.options, reference);
  if (reference.url !== undefined) return fromUrl(sources, reference, reference.url, signal);
  const bundled = await fromLibrary(sources, reference);
  if (bundled !== undefined) return accept(bundled);
  return fromGit(sources, reference, signal);
}

function found(reference: StepReference, source: StepSource, manifest?: Manifest): ResolvedStep {
  return {
    owner: reference.owner,
    name: reference.name,
    source,
    properties: (manifest?.properties ?? []).map(property => ({
      name: property.name,
      default: property.default,
    })),
    warnings: [],
  };
}

/** Internal steps are known by their id exactly as written. */
function internal(options: StepStoreOptions, reference: StepReference): Result<ResolvedStep> {
  const id = reference.text.trim();
  const action = id.slice("internal/".length);
  if (internalActions.includes(action) || (options.devSteps && devActions.includes(action))) {
    return accept(found(reference, { kind: "internal", action }));
  }
  if (!options.devSteps) {
    const source: StepSource = { kind: "internal", action };
    return accept({ ...found(reference, source), ignored: `Ignoring dev step: ${id}` });
  }
  const known = [...internalActions, ...devActions];
  return refuse(
    "step-not-found",
    `step "${id}" is none of the internal steps`,
    suggestion(nearestNames(action, known).map(name => `internal/${name}`)) ??
      `these are there: ${known.map(name => `internal/${name}`).join(", ")}`,
  );
}

async function fromUrl(
  sources: Sources,
  reference: StepReference,
  url: string,
  signal: AbortSignal,
): Promise<Result<ResolvedStep>> {
  if (url.startsWith("file://"))
    return fromDirectory(sources.options, reference, url.slice("file://".length));
  if (/^https?:\/\//.test(url)) {
    const fetched = await sources.tarballs.resolve(url, signal);
    if (!fetched.ok) return fetched;
    const { digest, files, warnings } = fetched.value;
    const described = await describe(files);
    const step = found(reference, { kind: "tarball", url, digest }, described.manifest);
    return accept({ ...step, warnings: [...warnings, ...described.warnings] });
  }
  return refuse(
    "step-reference-invalid",
    `step "${reference.name}" has the URL "${url}"`,
    "a step's URL begins with file://, https:// or http://",
  );
}

async function fromDirectory(
  options: StepStoreOptions,
  reference: StepReference,
  path: string,
): Promise<Result<ResolvedStep>> {
  if (!options.devSteps && options.fileSteps !== true) {
    return refuse(
      "step-not-allowed",
      `Dev mode is not enabled so refusing to copy local file urls: file://${path}`,
      "enable dev steps, or take the step from a tarball or a repository",
    );
  }
  const read = await readProjectStep(options, path, reference.text);
  if (!read.ok) return read;
  const { dir, files } = read.value;
  const described = await describe(files);
  const inside = relative(options.baseDir, dir);
  const portable = inside.startsWith("..") || isAbsolute(inside) ? dir : inside || ".";
  const source: StepSource = { kind: "file", path: portable, digest: digestOfFiles(files) };
  return accept({ ...found(reference, source, described.manifest), dir, warnings: described.warnings });
}

async function readProjectStep(
  options: StepStoreOptions,
  path: string,
  ref: string,
): Promise<Result<{ dir: string; files: StepFile[] }>> {
  const dir = resolvePath(options.baseDir, path);
  const kind = await stat(dir).catch(() => undefined);
  if (kind === undefined || !kind.isDirectory()) {
    return refuse(
      "step-not-found",
      `step "${ref}" was not found: ${dir} is ${kind === undefined ? "not there" : "not a directory"}`,
      "a file:// URL names the step's directory, relative to the project",
    );
  }
  if (options.confineFiles === true) {
    const inside = relative(await realpath(options.baseDir), await realpath(dir));
    if (inside.startsWith("..") || isAbsolute(inside)) {
      return refuse(
        "step-outside-project",
        `step "${ref}" lies outside the project, in ${dir}`,
        "keep the step in the project's directory",
      );
    }
  }
  const files = await readStepDirectory(dir);
  return files.ok ? accept({ dir, files: files.value }) : files;
}

/** A bundled step for `wercker` ids. A version that it does not have counts only where there is somewhere else to look. */
async function fromLibrary(sources: Sources, reference: StepReference): Promise<ResolvedStep | undefined> {
  if (reference.owner !== "wercker" && reference.owner !== "slipway") return undefined;
  const step = await sources.bundled.find(reference.name);
  if (step === undefined) return undefined;
  const version = step.manifest.version;
  const warnings: string[] = [];
  if (!(await satisfies(version, reference.version))) {
    if (sources.options.gitTemplate !== undefined) return undefined;
    warnings.push(
      `${reference.text}: the bundled ${step.name} ${version} is used, whatever version is asked for`,
    );
  }
  const source: StepSource = { kind: "bundled", name: step.name, version };
  return { ...found(reference, source, step.manifest), dir: step.dir, warnings };
}

async function satisfies(version: string, range: string): Promise<boolean> {
  if (range === "*") return true;
  const { default: semver } = await import("semver");
  return semver.satisfies(version, range, { loose: true });
}

async function fromGit(
  sources: Sources,
  reference: StepReference,
  signal: AbortSignal,
): Promise<Result<ResolvedStep>> {
  const template = sources.options.gitTemplate;
  const looked = [`the bundled library (${sources.options.bundledDir})`];
  let reason: Refusal | undefined;
  if (template !== undefined) {
    const url = template.replaceAll("{owner}", reference.owner).replaceAll("{name}", reference.name);
    const fetched = await sources.git.resolve(url, reference.version, signal);
    if (fetched.ok) {
      const { commit, tag, files, warnings } = fetched.value;
      const described = await describe(files);
      const source: StepSource = { kind: "git", url, commit, ...(tag === undefined ? {} : { tag }) };
      const step = found(reference, source, described.manifest);
      return accept({ ...step, warnings: [...warnings, ...described.warnings] });
    }
    if (fetched.refusal.code !== "step-not-found") return fetched;
    reason = fetched.refusal;
    looked.push(`git (${reason.message})`);
  }
  return notFound(sources, reference, looked, reason);
}

async function notFound(
  sources: Sources,
  reference: StepReference,
  looked: string[],
  reason: Refusal | undefined,
): Promise<Result<never>> {
  const near = nearestNames(reference.name, await sources.bundled.names());
  const hints = [suggestion(near), reason?.hint];
  if (sources.options.gitTemplate === undefined) {
    hints.push(
      'give a URL (name "file://./steps/name" or name "https://host/name.tar.gz") or set a git URL template',
    );
  }
  return refuse(
    "step-not-found",
    `step "${reference.text}" was not found; looked in ${looked.join(" and in ")}`,
    hints.filter(hint => hint !== undefined).join("; "),
  );
}

function suggestion(names: string[]): string | undefined {
  return names.length === 0 ? undefined : `did you mean ${names.join(" or ")}?`;
}

async function describe(files: StepFile[]): Promise<{ manifest: Manifest | undefined; warnings: string[] }> {
  for (const name of manifestNames) {
    const content = files.find(file => file.path === name)?.content;
    if (content === undefined) continue;
    const { manifest, warning } = await readManifest(Buffer.from(content).toString("utf8"));
    return { manifest, warnings: warning === undefined ? [] : [`${name}: ${warning}`] };
  }
  return { manifest: undefined, warnings: [] };
}

async function filesOf(sources: Sources, step: StepSpec, signal: AbortSignal): Promise<StepFile[]> {
  signal.throwIfAborted();
  const source = step.source;
  switch (source.kind) {
    case "script":
      return scriptFiles(source.code);
    case "init":
      return [{ path: "init.sh", mode: 0o644, content: Buffer.from(initScript) }];
    case "internal":
      return [];
    case "bundled":
      return bundledFiles(sources.bundled, source);
    case "file":
      return unchangedFiles(sources.options, step, source);
    case "tarball":
      return sources.tarballs.files(source.url, source.digest, signal);
    case "git":
      return sources.git.files(source.url, source.commit, source.tag, signal);
  }
}

async function bundledFiles(
  library: BundledSteps,
  source: { name: string; version: string },
): Promise<StepFile[]> {
  const step = await library.find(source.name);
  if (step === undefined || !(await satisfies(step.manifest.version, `^${source.version}`))) {
    const here = step === undefined ? "does not have it" : `has ${step.manifest.version}`;
    throw new SlipwayError(
      "step-not-found",
      `the job wants the bundled step ${source.name} ${source.version}`,
      {
        hint: `this Slipway ${here}; run the job with the version that made it`,
      },
    );
  }
  return library.files(step);
}

async function unchangedFiles(
  options: StepStoreOptions,
  step: StepSpec,
  source: { path: string; digest: string },
): Promise<StepFile[]> {
  const read = await readProjectStep(options, source.path, step.ref);
  if (!read.ok) throw new StepRefused(read.refusal);
  const digest = digestOfFiles(read.value.files);
  if (digest !== source.digest) {
    const message = `step "${step.ref}" has changed since the job was made: ${digest} instead of ${source.digest}`;
    throw new StepRefused({ code: "step-changed", message, hint: "make the job anew" });
  }
  return read.value.files;
}
