// One job for a platform, from its claim to its last word. It reads as the life of a runner: claim, say that it lives, run,
// tell all of it, finish. Without the platform's word nothing of the user's is run; without its acknowledgement of
// everything nothing becomes green.

import { chmodSync, mkdirSync } from "node:fs";
import path from "node:path";
import { Cancel, cancelOf } from "../core/cancel.ts";
import type { RunFinished } from "../core/events.ts";
import { messageOf, messageWithHint, type Refusal, SlipwayError } from "../core/failure.ts";
import { exitCodeOf } from "../core/outcome.ts";
import { Secret } from "../core/secret.ts";
import type { ClaimAnswer } from "../endpoints/runner.ts";
import type { Engine } from "../engine/engine.ts";
import type { Clock } from "../lib/clock.ts";
import { fsFailure } from "../lib/fs-failure.ts";
import type { RunJobInput, StepFiles } from "../runner/runner.ts";
import type { StepStoreOptions } from "../steps/resolve-step.ts";
import { claim } from "./claim.ts";
import { refusalOfClass, settingsOf, withinClass } from "./class-limits.ts";
import { finish, recordOf } from "./finish.ts";
import { type JobNews, openJobNews } from "./job-news.ts";
import type * as JobParts from "./job-parts.ts";
import { createPlaceWaits, type PlaceWaits } from "./place-waits.ts";
import { openRunnerHttp } from "./runner-http.ts";
import type { RunnerInput } from "./runner-input.ts";
import { createRunnerLink, type RunnerLink } from "./runner-link.ts";
import { type SignsOfLife, startSignsOfLife } from "./signs-of-life.ts";
import type { EndReason, RunnerEnd } from "./termination-message.ts";

export interface RemoteJobOptions {
  input: RunnerInput;
  version: string;
  /** Certificates of `input.caFile`. */
  ca?: string;
  /** The engine of this place; called at once, also for a job that does not come to use it. Throws SlipwayError where it cannot be had. */
  openEngine(): Promise<Engine>;
  /** What a step store needs but for the project. */
  steps: Omit<StepStoreOptions, "baseDir" | "devSteps" | "confineFiles" | "stepsDir" | "clock">;
  /** PATH and proxies for git. */
  environment: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  /** Random text, 32 hexadecimal digits a call. */
  random(): string;
  /** Aborted when the process shall end (TERM); its reason says how the job ends then, unless the platform wants it canceled. */
  signal: AbortSignal;
  /** One line for who looks after the machine. Never a secret. */
  say(line: string): void;
  /** How it ended, after everything else. */
  ended?(end: RunnerEnd, exitCode: number): Promise<void>;
}

const minute = 60_000;
const usual = { spoolBytes: 2 ** 30, patienceMs: 60 * minute, claimMs: 5 * minute, graceMs: 30_000 };
/** How long TERM waits to hear whether the job was canceled. Milliseconds. */
const askMs = 500;

/** Runs the job that the input names. Answers the exit code; throws nothing for what job, engine or platform do. */
export async function runRemoteJob(options: RemoteJobOptions): Promise<number> {
  const end = await claimAndRun(options);
  const code = exitCodeOf(end.reason === "finished" ? end.outcome : "broken");
  await options.ended?.({ attemptId: options.input.attemptId, ...end }, code);
  return code;
}

type End = Omit<RunnerEnd, "attemptId">;

async function claimAndRun(options: RemoteJobOptions): Promise<End> {
  const { input, clock, random, say } = options;
  const directory = path.join(input.directory, "private");
  using http = openRunnerHttp({ url: input.url, ...(options.ca ? { ca: options.ca } : {}), clock });
  try {
    makeDirectories(input.directory, directory);
    const claiming = claim({
      http,
      claimToken: input.claimToken,
      nonce: random(),
      runner: { version: options.version, engine: input.engine },
      clock,
      random,
      forMs: input.limits?.claimMs ?? usual.claimMs,
      signal: options.signal,
    });
    // What the job needs is read, and the engine looked for, while the claim is on its way.
    const [claimed, { loaded, engine }] = await Promise.all([claiming, soon(() => makeReady(options))]);
    if (claimed.kind === "restarted")
      return unclaimed(say, "restarted", `runner restarted: ${claimed.message}`);
    if (claimed.kind === "refused") {
      return unclaimed(say, "not-claimed", `the claim was refused: ${claimed.message}`);
    }
    const { answer } = claimed;
    const patienceMs = input.limits?.patienceMs ?? usual.patienceMs;
    const link = createRunnerLink({ http, key: answer.key, epoch: answer.epoch, clock, random, patienceMs });
    return await runClaimed({ ...options, answer, link, directory, loaded, engine });
  } catch (error) {
    return unclaimed(say, options.signal.aborted ? "stopped" : "not-claimed", messageOf(error));
  }
}

async function makeReady({
  openEngine,
}: RemoteJobOptions): Promise<{ loaded: Loaded; engine: Promise<Engine> }> {
  const engine = openEngine();
  // Whoever wants to use it hears of it.
  engine.catch(() => undefined);
  return { loaded: await import("./job-parts.ts"), engine };
}

/** Begins when what was begun before has left the process: reading modules keeps it busy. */
async function soon<T>(load: () => Promise<T>): Promise<T> {
  await new Promise(resolve => setImmediate(resolve));
  return load();
}

/** Boxes of another user lie in the outer one; nothing of the inner one is theirs. There is nothing else to do meanwhile. */
function makeDirectories(outer: string, inner: string): void {
  try {
    mkdirSync(outer, { recursive: true, mode: 0o711 });
    mkdirSync(inner, { recursive: true, mode: 0o700 });
    chmodSync(inner, 0o700);
  } catch (error) {
    throw fsFailure("make", inner, error);
  }
}

/** Nothing was run, and nothing told. */
function unclaimed(say: (line: string) => void, reason: EndReason, message: string): End {
  say(`broken: ${message}`);
  return { outcome: "broken", reason, message, events: 0, chunks: 0 };
}

type Loaded = typeof JobParts;

/** Why the job is to end early; the first reason counts. */
interface Ending {
  readonly signal: AbortSignal;
  end(cancel: Cancel): void;
}

interface Claimed extends RemoteJobOptions {
  answer: ClaimAnswer;
  link: RunnerLink;
  loaded: Loaded;
  engine: Promise<Engine>;
  /** Private to the runner. */
  directory: string;
}

async function runClaimed(claimed: Claimed): Promise<End> {
  const { input, clock, answer, link, directory } = claimed;
  const controller = new AbortController();
  const ending: Ending = { signal: controller.signal, end: cancel => controller.abort(cancel) };
  link.fenced.addEventListener("abort", () => ending.end(cancelOf(link.fenced)), { once: true });
  const place = createPlaceWaits();
  place.heed({ waited: answer.waited ?? [] });
  await using life = startSignsOfLife({
    link,
    heartbeatMs: answer.limits.heartbeatMs,
    clock,
    onCancel: ending.end,
    onWaits: place.heed,
  });
  using _stop = endOnTerm(claimed, life, ending);
  let undelivered: unknown;
  await using news = openJobNews({
    link,
    limits: answer.limits,
    directory,
    spoolBytes: input.limits?.spoolBytes ?? usual.spoolBytes,
    clock,
    signal: ending.signal,
    failed(error) {
      undelivered ??= error;
      ending.end(new Cancel("broken", messageOf(error)));
    },
  });
  try {
    await run({ ...claimed, ending, news, place });
  } catch (error) {
    // The last event is missing: what becomes of the job is in its terminal record alone.
    undelivered ??= error;
  }
  if (!link.fenced.aborted) {
    const told = await deliver(claimed, news, () => undelivered);
    if (told !== undefined) return told;
  }
  const { message } = cancelOf(link.fenced);
  claimed.say(`broken: ${message}`);
  return { outcome: "broken", reason: "given-up", message, ...news.stored, key: answer.key };
}

/** TERM ends the job; what is told by then is still delivered, within the grace. */
function endOnTerm({ signal, input, clock, link }: Claimed, life: SignsOfLife, ending: Ending): Disposable {
  let disarm: (() => void) | undefined;
  const onTerm = async () => {
    const graceMs = input.limits?.graceMs ?? usual.graceMs;
    disarm = clock.after(graceMs, () =>
      link.end(
        new Cancel("broken", `the platform did not take the end of the job within ${graceMs / 1000} s`),
      ),
    );
    // Whoever stops the process may do so because the job was canceled.
    ending.end((await life.askNow(askMs)) ?? cancelOf(signal));
  };
  const listener = () => void onTerm();
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
  return {
    [Symbol.dispose]() {
      signal.removeEventListener("abort", listener);
      disarm?.();
    },
  };
}

interface Running extends Claimed {
  ending: Ending;
  news: JobNews;
  place: PlaceWaits;
}

/** The job itself. What it comes to is the last event that it tells. */
async function run(running: Running): Promise<void> {
  const { answer, link, loaded, ending, directory, news, input, clock, random } = running;
  const { signal } = ending;
  const job = withinClass(answer.job, answer.class);
  const store = loaded.storePatience(message => tellNotice(running, message));
  await using source = loaded.openJobSource({
    claimed: answer,
    link,
    directory,
    git: {
      environment: running.environment,
      ...(input.caFile === undefined ? {} : { caFile: input.caFile }),
      ...(input.git?.allowFile === undefined ? {} : { allowFile: input.git.allowFile }),
      ...(input.git?.knownHostsFile === undefined
        ? {}
        : { hostKeys: { file: input.git.knownHostsFile, strict: input.git.acceptNewHosts !== true } }),
    },
    clock,
    signal,
    store,
  });
  using _limit = endAfter(answer.limits.timeoutMs, clock, ending);
  await loaded.runJob({
    job,
    secrets: new Map(answer.secrets.map(({ name, value }) => [name, new Secret(value)])),
    hidden: hiddenOf(answer),
    source: source.tree,
    storage: loaded.remoteStorage({
      ...{ link, directory, packed: answer.limits, early: signal, store },
      noCaches: answer.noCaches === true,
    }),
    engine: engineOf(running),
    stepFiles: stepFilesOf(running, names => source.projectWith(names)),
    settings: settingsOf(job, answer.class, input.pull),
    onTests: loaded.testSender(link, answer.limits),
    sink: news.sink,
    clock,
    random,
    signal,
  } satisfies RunJobInput);
}

/** What the job tells beside its steps; whoever waits for something says so. */
function tellNotice(
  { answer, news, clock }: Running,
  message: string,
  level: "info" | "warning" = "warning",
): void {
  const time = new Date(clock.now()).toISOString();
  const about = { runId: answer.job.runId, seq: 0, time };
  // What keeps it from being told ends the job by itself.
  void Promise.resolve(news.sink({ ...about, type: "notice", level, message })).catch(() => undefined);
}

/** What reaches the repository is in no variable, and in nothing that is told. */
function hiddenOf({ source }: ClaimAnswer): Secret[] {
  if (source.kind !== "git" || source.credential === undefined) return [];
  const { credential } = source;
  return [new Secret(credential.kind === "password" ? credential.password : credential.privateKey)];
}

function endAfter(ms: number | undefined, clock: Clock, ending: Ending): Disposable {
  const minutes = Math.round((ms ?? 0) / 6000) / 10;
  const message = `the limit of the class has passed: ${minutes} min for the whole job`;
  const disarm =
    ms === undefined ? () => {} : clock.after(ms, () => ending.end(new Cancel("timed-out", message)));
  return { [Symbol.dispose]: disarm };
}

/** The engine of this place, or one that says why the job cannot have it: told like whatever else keeps a job from starting. */
function engineOf(running: Running): Engine {
  const { answer, input, engine: opening, place } = running;
  const { job, trusted } = answer;
  let engine: Engine | undefined;
  const refusal: Refusal | undefined = refusalOfClass(job, answer.class, trusted);
  return {
    name: input.engine,
    async start(request) {
      // Behind the run's own first words.
      place.tellTo(message => tellNotice(running, message, "info"));
      if (refusal !== undefined) return { ok: false, refusal };
      if (!fitsClass(input.engine, answer.class.engine)) {
        throw new SlipwayError(
          "wrong-engine",
          `class ${answer.class.name} wants the engine ${answer.class.engine}; this worker has ${input.engine}`,
        );
      }
      engine = await opening;
      return engine.start({ ...request, placeWaits: () => place.waits });
    },
    hintForScript: code => engine?.hintForScript?.(code),
  };
}

/** What asks for containers may have them from a daemon or as a Pod. */
function fitsClass(here: RunnerInput["engine"], wanted: ClaimAnswer["class"]["engine"]): boolean {
  return here === wanted || (here === "pod" && wanted === "docker");
}

function stepFilesOf(
  { answer, loaded, steps, directory, clock }: Running,
  projectWith: (names: readonly string[]) => Promise<string>,
): StepFiles {
  const { job } = answer;
  const names = [...job.steps, ...job.afterSteps].flatMap(({ source }) =>
    source.kind === "file" ? [source.path] : [],
  );
  const storeAt = (baseDir: string) =>
    loaded.createStepStore({
      ...steps,
      stepsDir: path.join(directory, "steps"),
      baseDir,
      devSteps: false,
      confineFiles: true,
      clock,
    });
  const plain = storeAt(directory);
  let project: Promise<string> | undefined;
  return async (step, signal) => {
    if (step.source.kind !== "file") return plain.files(step, signal);
    project ??= projectWith(names);
    return storeAt(await project).files(step, signal);
  };
}

/** Delivers what was told and the last word. Undefined where the attempt has been given up meanwhile. */
async function deliver(
  { clock, random, say, link, answer }: Claimed,
  news: JobNews,
  lost: () => unknown,
): Promise<End | undefined> {
  let reason = lost();
  try {
    if (reason === undefined) await news.flushed();
  } catch (error) {
    reason = lost() ?? error;
  }
  if (link.fenced.aborted) return undefined;
  const finished: RunFinished = news.finished ?? unfinished;
  const record =
    reason === undefined
      ? recordOf(finished, news.told)
      : recordOf(finished, news.stored, `not all of the job could be told: ${messageWithHint(reason)}`);
  const { message, events, chunks } = record;
  const endOf = { message, events, chunks, key: answer.key };
  try {
    const flush = () => (reason === undefined ? news.flushed() : Promise.resolve());
    const outcome = await finish({ link, record, flush, clock, random });
    if (outcome !== record.outcome) say(`the platform has decided ${outcome} instead of ${record.outcome}`);
    return { ...endOf, outcome, reason: "finished" };
  } catch (error) {
    if (link.fenced.aborted) return undefined;
    say(`broken: ${messageOf(error)}`);
    return { ...endOf, outcome: record.outcome, reason: "undelivered" };
  }
}

/** For a job that broke off without a last word. */
const unfinished: RunFinished = {
  type: "run-finished",
  outcome: "broken",
  exitCode: exitCodeOf("broken"),
  durationMs: 0,
  message: "the runner broke off",
};
