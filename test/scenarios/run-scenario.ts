// Runs one scenario: a pipeline file goes in, what the run says comes out in a short form. The whole way is the real
// one, from the file's bytes to the events; only the engine is scripted and the clock jumps.
//
// The first line of the file may say how it is run: `# run: {...}` with the fields of `Setting`.

import { basename } from "node:path";
import { loadPipelineFile } from "../../src/config/load.ts";
import type { PipelineFile, StepDefinition } from "../../src/config/pipeline-file.ts";
import { Cancel } from "../../src/core/cancel.ts";
import type { RunEvent } from "../../src/core/events.ts";
import type { Dialect, Job } from "../../src/core/job.ts";
import type { Secret } from "../../src/core/secret.ts";
import {
  createFakeEngine,
  type FakeEngine,
  type FakeEngineOptions,
} from "../../src/engine/fake/fake-engine.ts";
import { buildJob, type ResolvedStepParts } from "../../src/plan/build-job.ts";
import { jobEnvironment } from "../../src/plan/job-environment.ts";
import { matrixCombinations } from "../../src/plan/matrix.ts";
import { selectPipeline, stepDefinitionsOf } from "../../src/plan/select-pipeline.ts";
import { runJob } from "../../src/runner/run-job.ts";
import type { RunnerSettings } from "../../src/runner/runner.ts";
import { createStepStore, type StepStore } from "../../src/steps/resolve-step.ts";
import { createAutoClock } from "./auto-clock.ts";
import { type MemoryFiles, memorySource, memoryStorage } from "./memory-storage.ts";
import { type ShortEvent, shortEvents } from "./short-events.ts";

/** How a scenario is run. */
interface Setting {
  /** `slipway` unless the scenario's name begins with a number and `wercker`. */
  dialect?: Dialect;
  pipeline?: string;
  kind?: Job["kind"];
  target?: string;
  trigger?: { event: string; branch?: string; tag?: string };
  /** Variables as the host has them: `X_NAME`, `XXX_NAME`. */
  host?: Record<string, string>;
  source?: MemoryFiles;
  caches?: Record<string, MemoryFiles>;
  maxBytes?: number;
  diskBytes?: number;
  settings?: Partial<RunnerSettings>;
  engine?: Pick<
    FakeEngineOptions,
    | "unknownImages"
    | "unreadyServices"
    | "crashingServices"
    | "greeting"
    | "images"
    | "files"
    | "user"
    | "startMs"
  > & { failure?: string };
  /** A person cancels after so many milliseconds. */
  cancelAfterMs?: number;
  /** Show every event. */
  full?: boolean;
  /** Show the calls to the engine too. */
  showCalls?: boolean;
  /** Show the files that were stored. */
  showStored?: boolean;
}

/** What comes out: of each job what it said, or why there is none. */
export interface Outcome {
  refused?: { code: string; message: string };
  jobs?: JobOutcome[];
}

interface JobOutcome {
  matrix?: Record<string, string>;
  events: ShortEvent[];
  result: { outcome: string; exitCode: number | null };
  calls?: string[];
  stored?: Record<string, MemoryFiles>;
}

const defaults: RunnerSettings = {
  pull: "missing",
  artifacts: false,
  dns: [],
  exposePorts: false,
  enableVolumes: false,
  keepContainers: false,
  devSteps: true,
  cleanupImages: false,
  graceMs: 10_000,
  greetingMs: 10_000,
};

/** Runs the file of that name. `directory` is where `file://` steps lie. */
export async function runScenario(name: string, text: string, directory: string): Promise<Outcome> {
  const outcome = await run(name, text, directory);
  return JSON.parse(JSON.stringify(outcome).replaceAll(directory, "DIRECTORY")) as Outcome;
}

async function run(name: string, text: string, directory: string): Promise<Outcome> {
  const setting = settingOf(text);
  const dialect = setting.dialect ?? (/^\d+-wercker/.test(basename(name)) ? "wercker" : "slipway");
  const { file, problems } = loadPipelineFile(Buffer.from(text), { dialect, name });
  if (file === undefined) {
    const messages = problems.map(problem => `${problem.line}:${problem.column} ${problem.message}`);
    return { refused: { code: "file", message: messages.join("\n") } };
  }
  const pipeline = setting.pipeline ?? "build";
  const selected = selectPipeline(file, pipeline);
  if (!selected.ok) return { refused: selected.refusal };
  const combinations =
    selected.value.matrix === undefined ? undefined : matrixCombinations(selected.value.matrix);
  if (combinations?.ok === false) return { refused: combinations.refusal };
  const store = stepStore(directory);
  const resolved = await resolveSteps(file, pipeline, setting, store);
  if ("code" in resolved) return { refused: resolved };
  const jobs: JobOutcome[] = [];
  for (const values of combinations?.value.map(one => one.values) ?? [undefined]) {
    const job = await runOne({ file, pipeline, setting, dialect, store, resolved, values });
    if ("code" in job) return { refused: job };
    jobs.push(job);
  }
  return { jobs };
}

function settingOf(text: string): Setting {
  const [, json] = /^# run: (\{.*\})$/m.exec(text) ?? [];
  return json === undefined ? {} : (JSON.parse(json) as Setting);
}

function stepStore(directory: string): StepStore {
  return createStepStore({
    stepsDir: `${directory}/none`,
    bundledDir: `${directory}/steps`,
    devSteps: true,
    baseDir: directory,
    fetch: () => Promise.reject(new Error("a scenario fetches nothing")),
    git: () => Promise.reject(new Error("a scenario asks no git")),
    clock: { now: () => 0, monotonic: () => 0, after: () => () => {} },
  });
}

async function resolveSteps(
  file: PipelineFile,
  pipeline: string,
  setting: Setting,
  store: StepStore,
): Promise<Map<StepDefinition, ResolvedStepParts> | { code: string; message: string }> {
  const definitions = stepDefinitionsOf(file, pipeline, setting.target);
  if (!definitions.ok) return definitions.refusal;
  const resolved = new Map<StepDefinition, ResolvedStepParts>();
  for (const definition of definitions.value) {
    const code = definition.options.find(option => option.name === "code")?.value;
    const step = await store.resolve(definition.ref, new AbortController().signal, code);
    if (!step.ok) return step.refusal;
    resolved.set(definition, step.value);
  }
  return resolved;
}

interface OneJob {
  file: PipelineFile;
  pipeline: string;
  setting: Setting;
  dialect: Dialect;
  store: StepStore;
  resolved: Map<StepDefinition, ResolvedStepParts>;
  values: Record<string, string> | undefined;
}

function jobOf(one: OneJob): ReturnType<typeof buildJob> {
  const { file, pipeline, setting, dialect, resolved, values } = one;
  const project = { id: "project", name: "project", owner: "owner" };
  const kind = setting.kind ?? (pipeline === "deploy" ? "deploy" : "build");
  const { trigger, target } = setting;
  let uuids = 0;
  return buildJob({
    file,
    pipeline,
    kind,
    runId: "run",
    project,
    ...(trigger === undefined ? {} : { trigger }),
    ...(target === undefined ? {} : { target }),
    environment: jobEnvironment({
      dialect,
      kind,
      pipeline,
      project,
      runId: "run",
      baseUrl: "https://ci.example",
      git: { branch: trigger?.branch ?? "main", tag: trigger?.tag ?? "" },
      ...(target === undefined ? {} : { target }),
      ...(trigger === undefined ? {} : { event: trigger.event }),
      hostEnvironment: Object.entries(setting.host ?? {}).map(([name, value]) => ({ name, value })),
      secrets: new Map<string, Secret>(),
    }),
    resolved,
    ...(values === undefined ? {} : { matrix: values }),
    uuid: () => `${++uuids}`,
  });
}

async function runOne(one: OneJob): Promise<JobOutcome | { code: string; message: string }> {
  const { setting, store, values } = one;
  const built = jobOf(one);
  if (!built.ok) return built.refusal;
  using clock = createAutoClock();
  const { failure, ...options } = setting.engine ?? {};
  const engine = createFakeEngine({
    ...options,
    clock,
    ...(failure === undefined ? {} : { failure: new Error(failure) }),
  });
  const storage = memoryStorage(setting.caches ?? {}, setting.maxBytes, setting.diskBytes);
  const abort = new AbortController();
  if (setting.cancelAfterMs !== undefined) {
    clock.after(setting.cancelAfterMs, () => abort.abort(new Cancel("canceled", "canceled by a person")));
  }
  const events: RunEvent[] = [];
  let draws = 0;
  const result = await runJob({
    job: built.value.job,
    secrets: built.value.secrets,
    source: memorySource(setting.source ?? { "file.txt": "source" }),
    storage,
    engine,
    stepFiles: store.files,
    settings: { ...defaults, ...setting.settings },
    sink: event => {
      events.push(event);
    },
    clock,
    random: () => (++draws).toString(16).padStart(32, "0"),
    signal: abort.signal,
  });
  return {
    ...(values === undefined ? {} : { matrix: values }),
    events: shortEvents(events, setting.full === true),
    result: { outcome: result.outcome, exitCode: result.exitCode },
    ...(setting.showCalls ? { calls: callsOf(engine) } : {}),
    ...(setting.showStored ? { stored: Object.fromEntries(storage.stored) } : {}),
    ...(engine.open === 0 ? {} : { calls: ["LEFT OPEN"] }),
  };
}

/** Everything that changes the box's processes or containers; files and typed text are seen by what they do. */
function callsOf(engine: FakeEngine): string[] {
  return engine.calls.flatMap(call => {
    if (call.call === "write" || call.call === "put" || call.call === "get") return [];
    if (call.call === "signalAll") return [`signalAll ${call.signal}`];
    if (call.call === "image") return [`image ${call.what}`];
    if (call.call === "start") return [`start ${call.request.box.image}`];
    return [call.call];
  });
}
