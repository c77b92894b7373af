// What a program that uses the package can import.

export { Cancel, type CancelKind } from "./core/cancel.ts";
export type * from "./core/events.ts";
export type { Refusal, Result } from "./core/failure.ts";
export { messageOf, SlipwayError } from "./core/failure.ts";
export type * from "./core/job.ts";
export { exitCodeOf, isGood, type Outcome } from "./core/outcome.ts";
export { Secret } from "./core/secret.ts";
