// An answer that says no, after RFC 9457 (problem+json): what happened, with which value, and what to change.

export interface ProblemDetails {
  /** Stable, for programs: `not-found`, `validation`, `stale`, ... Also the end of `type`. */
  code: string;
  status: number;
  title: string;
  /** What happened, with the value that caused it. Never a secret. */
  detail: string;
  /** What to do. */
  hint?: string;
  /** Of `too-many`: seconds to wait; also the header `Retry-After`. */
  retryAfter?: number;
  /** Of `validation`: where in the request, and what is wrong there. */
  problems?: { path: string; message: string }[];
}

/** Thrown by handlers; the router writes it. */
export class Problem extends Error {
  readonly details: ProblemDetails;

  constructor(details: ProblemDetails) {
    super(details.detail);
    this.name = "Problem";
    this.details = details;
  }
}

export function notFound(detail: string, hint?: string): Problem {
  return problem(404, "not-found", "Not found", detail, hint);
}

export function conflict(code: string, detail: string, hint?: string): Problem {
  return problem(409, code, "Conflict", detail, hint);
}

export function forbidden(detail: string, hint?: string): Problem {
  return problem(403, "forbidden", "Not allowed", detail, hint);
}

export function invalid(code: string, detail: string, hint?: string): Problem {
  return problem(422, code, "Not acceptable as it is", detail, hint);
}

export function problem(status: number, code: string, title: string, detail: string, hint?: string): Problem {
  return new Problem({ status, code, title, detail, ...(hint === undefined ? {} : { hint }) });
}
