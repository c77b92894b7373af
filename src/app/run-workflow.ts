// Runs a workflow on this machine: what `slipway workflow` does, as a function. The plan says what may start; here it is
// started, side by side where nothing stands between, and outputs become sources.

import type { Workflow, WorkflowEntry } from "../config/pipeline-file.ts";
import { cancelOf } from "../core/cancel.ts";
import { accept, messageOf, type Result, SlipwayError } from "../core/failure.ts";
import { isGood, type Outcome } from "../core/outcome.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { Combination } from "../plan/matrix.ts";
import { type EntryStatus, nextPipelines } from "../plan/workflow-order.ts";
import { type JobOutput, sourceOf } from "../plan/workflow-source.ts";
import type { SourceTree } from "../storage/storage.ts";
import { announceEnding, type Ending, endingOfRefusal, endingOfThrown } from "./announce.ts";
import { newRunId } from "./ids.ts";
import { emptyOutput, outputSource, outputsSource } from "./job-source.ts";
import { withLocalServices } from "./local-services.ts";
import { openWorkflow, type WorkflowOptions, type WorkflowWatch } from "./open-workflow.ts";
import { engineFor, planPipeline } from "./plan-pipeline.ts";
import { kindOf, type PreparedJob } from "./prepare-jobs.ts";
import { type FileContext, openRunContext } from "./run-context.ts";
import type { RunOptions } from "./run-options.ts";
import { closingEngines, defaultParallel, runPipeline } from "./run-pipeline.ts";
import { type PipelineResult, resultAlone, runPlanned } from "./run-planned.ts";
import { type Limit, limitTo } from "./side-by-side.ts";
import { UsageRefused } from "./usage-refused.ts";
import { worstOutcome } from "./worst-outcome.ts";

export interface WorkflowResult {
  outcome: Outcome;
  /** Empty when it passed. */
  message: string;
  /** In the order in which they ended. */
  pipelines: { name: string; outcome: Outcome; reason?: string; result?: PipelineResult }[];
}

interface Course {
  context: FileContext;
  options: WorkflowOptions;
  watch: WorkflowWatch;
  clock: Clock;
  limit: Limit;
  workflow: Workflow;
  state: Map<string, EntryStatus>;
  approved: Set<string>;
  outputs: Map<string, Map<string, string>>;
  combinations: Map<string, Combination[]>;
  ended: WorkflowResult["pipelines"];
}

/**
 * Runs a workflow to its end. Each pipeline tells its run in events of its own. Throws `UsageRefused` where the workflow
 * is not there or nobody could approve what wants approval, and SlipwayError where no engine can be had.
 */
export async function runWorkflow(options: WorkflowOptions, watch: WorkflowWatch): Promise<WorkflowResult> {
  return closingEngines(watch, inner => runWholeWorkflow(options, inner));
}

async function runWholeWorkflow(options: WorkflowOptions, watch: WorkflowWatch): Promise<WorkflowResult> {
  const clock = systemClock;
  const opened = await openWorkflow(options, watch);
  if (!opened.ok) {
    if (opened.refusal.code === "usage") throw new UsageRefused(opened.refusal);
    const { message } = endingOfRefusal(opened.refusal);
    await watch.observer.say("error", message);
    return { outcome: "failed", message, pipelines: [] };
  }
  const { context, workflow, approved } = opened.value;
  const course: Course = {
    context,
    options,
    watch,
    clock,
    limit: limitTo(options.wercker ? 1 : (options.parallel ?? defaultParallel)),
    workflow,
    state: new Map(),
    approved,
    outputs: new Map(),
    combinations: new Map(),
    ended: [],
  };
  await follow(course);
  return resultOf(course);
}

/** Starts what may start until nothing is left. */
async function follow(course: Course): Promise<void> {
  const running = new Map<string, Promise<void>>();
  for (;;) {
    const next = nextPipelines(course.workflow, course.state, {
      branch: course.context.git.branch,
      approved: course.approved,
      sequential: course.options.wercker ?? false,
    });
    for (const { entry, reason } of next.skip) {
      course.state.set(entry.name, "skipped");
      course.ended.push({ name: entry.name, outcome: "skipped", reason });
      await course.watch.observer.say("info", `${entry.name} skipped: ${reason}`);
    }
    const canceled = course.watch.signal.aborted;
    if (!canceled) {
      for (const entry of next.start) {
        course.state.set(entry.name, "running");
        running.set(
          entry.name,
          runEntry(course, entry).finally(() => running.delete(entry.name)),
        );
      }
    }
    if (running.size > 0) await Promise.race(running.values());
    else if (canceled || next.finished) return;
    else if (next.awaitingApproval[0] !== undefined) await askFor(course, next.awaitingApproval[0]);
    else if (next.skip.length === 0) return;
  }
}

/** One question at a time, and none while output of a run goes over the terminal. */
async function askFor(course: Course, entry: WorkflowEntry): Promise<void> {
  const where = entry.environment === undefined ? "" : ` to ${entry.environment}`;
  const yes = (await course.watch.ask?.(`Run ${entry.name}${where}?`)) ?? false;
  if (yes) course.approved.add(entry.name);
  else end(course, entry, "canceled", { reason: "it was not approved" });
}

async function runEntry(course: Course, entry: WorkflowEntry): Promise<void> {
  const { watch, clock } = course;
  const startedAt = clock.monotonic();
  let result: PipelineResult;
  try {
    const ready = await readyEntry(course, entry, announce);
    if (ready.ok) result = await ready.value();
    else result = await announce(endingOfRefusal(ready.refusal));
  } catch (error) {
    result = await announce(endingOfThrown(error, watch.signal));
  }
  end(course, entry, result.outcome, { result });

  async function announce(ending: Ending): Promise<PipelineResult> {
    const run = {
      runId: newRunId(clock.now()),
      pipeline: entry.pipelineName,
      project: course.context.project.name,
      engine: course.options.engine ?? "auto",
      durationMs: Math.round(clock.monotonic() - startedAt),
    };
    const told = await announceEnding(run, ending, watch.observer.open(labelOf(course, entry)), clock);
    return resultAlone(run.runId, told);
  }
}

/** Everything that can refuse, then the run as a function. */
async function readyEntry(
  course: Course,
  entry: WorkflowEntry,
  end: (ending: Ending) => Promise<PipelineResult>,
): Promise<Result<() => Promise<PipelineResult>>> {
  const { context, options, watch, clock } = course;
  const mine = await contextOf(course, entry);
  if (!mine.ok) return mine;
  const source = sourceOfEntry(course, entry);
  const wercker = context.file.dialect === "wercker";
  const planned = await planPipeline(mine.value, {
    pipeline: entry.pipelineName,
    kind: options.kind ?? (wercker ? "deploy" : kindOf(entry.pipelineName, options.deployTarget)),
    ...(source === undefined ? {} : { source }),
    clock,
  });
  if (!planned.ok) return planned;
  noteCombinations(course, entry, planned.value.prepared.jobs);
  const open = await engineFor(planned.value, watch, clock);
  return accept(async () => {
    const result = await withLocalServices(planned.value, { open, watch, build: runPipeline, end }, ready =>
      runPlanned(ready, {
        open,
        observer: watch.observer,
        limit: course.limit,
        labelOf: job => labelOf(course, entry, job.label),
      }),
    );
    await keepOutputs(course, entry, result);
    return result;
  });
}

function noteCombinations(course: Course, entry: WorkflowEntry, jobs: PreparedJob[]): void {
  if (jobs.every(job => job.label === undefined)) return;
  course.combinations.set(
    entry.name,
    jobs.map(job => ({ name: job.label!, values: job.job.matrix ?? {} })),
  );
}

/** With artifacts, since they become sources, and with the entry's own environment file. */
async function contextOf(course: Course, entry: WorkflowEntry): Promise<Result<FileContext>> {
  const { context, options, watch } = course;
  const changed: RunOptions = {
    ...options,
    artifacts: true,
    git: context.git,
    ...(entry.envFile === undefined ? {} : { environmentFile: entry.envFile }),
  };
  const opened = await openRunContext(changed, watch.observer, watch.signal);
  if (!opened.ok) return opened;
  return accept({ ...opened.value, found: context.found, file: context.file });
}

function sourceOfEntry(course: Course, entry: WorkflowEntry): SourceTree | undefined {
  const source = sourceOf(entry, course.combinations);
  if (source.kind === "project") return undefined;
  if (source.kind === "output") return outputSource(outputOf(course, source.of));
  const outputs = source.parts.map(({ directory, of }) => ({
    name: directory,
    directory: outputOf(course, of),
  }));
  return outputsSource(outputs, course.clock.now());
}

function outputOf(course: Course, { entry, combination }: JobOutput): string {
  const place = course.outputs.get(entry)?.get(combination ?? "");
  if (place !== undefined) return place;
  throw new SlipwayError("output-missing", `the output of ${combination ?? entry} was not kept`);
}

async function keepOutputs(course: Course, entry: WorkflowEntry, result: PipelineResult): Promise<void> {
  const kept = new Map<string, string>();
  for (const { runId, label, result: one } of result.jobs) {
    kept.set(label ?? "", one.output ?? (await emptyOutput(course.context.workingDir, runId)));
  }
  course.outputs.set(entry.name, kept);
}

function end(
  course: Course,
  entry: WorkflowEntry,
  outcome: Outcome,
  more: { reason?: string; result?: PipelineResult },
): void {
  course.state.set(entry.name, outcome);
  course.ended.push({ name: entry.name, outcome, ...more });
}

/** In wercker mode one pipeline follows the other, and nothing needs telling apart. */
function labelOf(course: Course, entry: WorkflowEntry, combination?: string): string | undefined {
  if (course.options.wercker) return combination;
  return combination === undefined ? entry.name : `${entry.name} ${combination}`;
}

function resultOf(course: Course): WorkflowResult {
  const { ended, watch } = course;
  if (watch.signal.aborted) {
    const cancel = cancelOf(watch.signal);
    return { outcome: cancel.kind, message: messageOf(cancel), pipelines: ended };
  }
  const outcome = worstOutcome(ended.map(each => each.outcome));
  const bad = ended.find(each => !isGood(each.outcome));
  const why = bad?.reason ?? bad?.result?.message.split("\n", 1)[0] ?? bad?.outcome ?? "";
  return {
    outcome,
    message: bad === undefined ? "" : `unable to run pipeline ${bad.name}: ${why}`,
    pipelines: ended,
  };
}
