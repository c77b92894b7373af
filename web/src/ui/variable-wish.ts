// A variable as it is to be set, and which jobs get it, in words. Pure.

export const runEvents = ["push", "pull-request", "schedule", "manual"] as const;

export interface VariableWish {
  name: string;
  pipeline: string | undefined;
  body: {
    value: string;
    protected: boolean;
    branches: string[] | null;
    events: (typeof runEvents)[number][] | null;
  };
}

/** What the form says. The value is taken as it is, spaces included. */
export function wishOf(form: FormData, variable?: { name: string; pipeline: string | null }): VariableWish {
  const text = (name: string) => String(form.get(name) ?? "").trim() || undefined;
  const branches = (text("branches") ?? "").split(/\s+/).filter(Boolean);
  const chosen = form.getAll("event") as (typeof runEvents)[number][];
  return {
    name: variable?.name ?? text("name") ?? "",
    pipeline: variable === undefined ? text("pipeline") : (variable.pipeline ?? undefined),
    body: {
      // A form sends line ends as CRLF, which nobody has typed.
      value: String(form.get("value") ?? "").replaceAll("\r\n", "\n"),
      protected: form.get("protected") !== null,
      branches: branches.length === 0 ? null : branches,
      events: chosen.length === 0 ? null : chosen,
    },
  };
}

/** "pipeline deploy; branches main, release/*; push": everything unless told. */
export function scopeText({
  pipeline,
  branches,
  events,
}: {
  pipeline: string | null;
  branches: string[] | null;
  events: string[] | null;
}) {
  const parts = [
    pipeline === null ? "" : `pipeline ${pipeline}`,
    branches === null ? "" : `branches ${branches.join(", ")}`,
    events === null ? "" : `on ${events.join(", ")}`,
  ].filter(Boolean);
  return parts.length === 0 ? "every job" : parts.join("; ");
}
