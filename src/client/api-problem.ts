// An answer of the api that says no, as an error: RFC 9457.

export class ApiProblem extends Error {
  readonly status: number;
  /** Stable: `not-found`, `validation`, ...; `unknown` where something else than the api has answered. */
  readonly code: string;
  /** What to do. */
  readonly hint: string | undefined;
  /** Of `validation`: where in the request, and what is wrong there. */
  readonly problems: readonly { path: string; message: string }[];

  constructor(status: number, details: ProblemText) {
    super(details.detail ?? `the server says ${status}`);
    this.name = "ApiProblem";
    this.status = status;
    this.code = details.code ?? "unknown";
    this.hint = details.hint;
    this.problems = details.problems ?? [];
  }

  /** What happened; the same as `message`. */
  get detail(): string {
    return this.message;
  }
}

export interface ProblemText {
  code?: string;
  detail?: string;
  hint?: string;
  problems?: { path: string; message: string }[];
}

/** Reads the problem of an answer; what is none is told by its beginning. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const text = await response.text().catch(() => "");
  try {
    const details: unknown = JSON.parse(text);
    if (typeof details === "object" && details !== null) return new ApiProblem(response.status, details);
  } catch {
    // Something between us and the server has answered.
  }
  return new ApiProblem(response.status, {
    detail: `the server says ${response.status}: ${text.replace(/\s+/g, " ").slice(0, 200)}`,
  });
}

/** Whether the same call may do better in a moment. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof ApiProblem)) return false;
  return [502, 503, 504].includes(error.status) || error.code === "in-progress";
}
