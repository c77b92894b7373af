// Cancellation is one AbortSignal whose reason is a Cancel, so that whoever sees the abort knows which outcome
// it leads to and what to tell the person.

export type CancelKind = "canceled" | "timed-out" | "broken";

/** The typed reason of an abort. */
export class Cancel extends Error {
  readonly kind: CancelKind;

  constructor(kind: CancelKind, message: string) {
    super(message);
    this.name = "Cancel";
    this.kind = kind;
  }
}

/** The reason a signal was aborted with; a foreign reason counts as a person's cancel. */
export function cancelOf(signal: AbortSignal): Cancel {
  const reason: unknown = signal.reason;
  if (reason instanceof Cancel) return reason;
  return new Cancel("canceled", reason instanceof Error ? reason.message : "canceled");
}
