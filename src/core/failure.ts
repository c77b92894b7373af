// The two ways to say that something did not work. A Refusal is a value: the user's file, image or input says
// no, and the run is `failed`. A SlipwayError is thrown: we, the daemon or the machine did it, and the run is
// `broken`.

/** A mistake or refusal on the user's side, told as a value. */
export interface Refusal {
  /** Stable, for programs: `image-not-found`, `step-not-found`, ... */
  code: string;
  /** What happened, with the value that caused it. */
  message: string;
  /** What to change. */
  hint?: string;
}

export type Result<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

export function accept<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function refuse(code: string, message: string, hint?: string): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: hint === undefined ? { code, message } : { code, message, hint } };
}

/** Our own failure, or that of a daemon, disk or network: leads to `broken`. */
export class SlipwayError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "SlipwayError";
    this.code = code;
    this.hint = options.hint;
  }
}

/** The text of anything that was thrown, with its causes. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : ` (${messageOf(error.cause)})`;
  return `${error.message}${cause}`;
}

/** The message, and on a line of its own what to change, where that is known. */
export function messageWithHint(error: unknown): string {
  const message = messageOf(error);
  const hint = error instanceof SlipwayError ? error.hint : undefined;
  return hint === undefined || hint === "" ? message : `${message}\n${hint}`;
}
