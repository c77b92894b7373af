// The package as a library: run a pipeline and listen to it. Types of everything that comes out; nothing else of the
// inside is promised.

export { type Listener, type PipelineOptions, runPipeline } from "./app/run-for-program.ts";
export type { DockerOptions, EngineChoice } from "./app/run-options.ts";
export type { PipelineResult } from "./app/run-planned.ts";
export { UsageRefused } from "./app/usage-refused.ts";
export { Cancel, type CancelKind } from "./core/cancel.ts";
export type * from "./core/events.ts";
export { SlipwayError } from "./core/failure.ts";
export type * from "./core/job.ts";
export { exitCodeOf, isGood, type Outcome } from "./core/outcome.ts";
export { Secret } from "./core/secret.ts";
export type { JobResult } from "./runner/runner.ts";
