// One request whose answer a real server has given, and how such answers are made comparable: without what differs from
// server to server and from run to run.

export interface BehaviourCase {
  name: string;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `{ns}` is the namespace of the run. */
  path: string;
  body?: unknown;
  contentType?: string;
  /** Of the worker, who may little; else of the administrator. */
  as?: "worker";
  /** Sent as they are, where JSON.stringify would not do. */
  text?: string;
}

export interface BehaviourAnswer {
  code: number;
  reason?: string;
  message?: string;
  causes?: { field?: string; reason?: string }[];
  warnings?: string;
  /** Of what succeeds: the object, without what differs. */
  object?: unknown;
}

const dropped = new Set([
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "deletionTimestamp",
  "clusterIP",
  "clusterIPs",
  "nodePort",
  "time",
  "lastTransitionTime",
  "conditions",
  // Written by controllers, when they like.
  "deployment.kubernetes.io/revision",
  "observedGeneration",
]);

/** Leaves out what differs. `namespace` is put back to `{ns}`. */
export function comparable(
  code: number,
  body: unknown,
  warnings: string | null,
  namespace: string,
): BehaviourAnswer {
  const plain = (text: string) => text.replaceAll(namespace, "{ns}");
  const status = body as {
    kind?: string;
    status?: string;
    reason?: string;
    message?: string;
    details?: { causes?: [] };
  };
  const head = { code, ...(warnings === null ? {} : { warnings: plain(warnings) }) };
  if (status?.kind === "Status" && status.status === "Failure") {
    const { reason, message, details } = status;
    const causes = (details?.causes ?? []).map(
      ({ field, reason: why }: { field?: string; reason?: string }) => ({
        ...(field === undefined ? {} : { field }),
        ...(why === undefined ? {} : { reason: why }),
      }),
    );
    return {
      ...head,
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message: plain(withoutDumps(message)) }),
      ...(causes.length === 0 ? {} : { causes }),
    };
  }
  return { ...head, object: JSON.parse(plain(JSON.stringify(cleaned(body) ?? null))) };
}

/** Go prints whole structures in its own way. */
function withoutDumps(message: string): string {
  return message
    .replace(
      /Invalid value: (?:&?[\w.]+\{|map\[|\{|\[).*?(?:\}|\]|\)): (?=[a-z`])/gs,
      "Invalid value: (value): ",
    )
    .replace(/Duplicate value: (?:&?[\w.]+\{|map\[|\{).*\}(?=[,\]]|$)/gs, "Duplicate value: (value)")
    .replace(/\n\s+core\.PodSpec\{.*/s, "\n")
    .replace(/\n {2}(?:v1|core|networking|apps)\.\w+\{.*/s, "")
    .replace(/patch: Invalid value: ".*": (?=strict)/s, "patch: Invalid value: (value): ")
    .replace(/(failed to create typed patch object .*?: )(?!.*not declared).*/s, "$1(what)")
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "(uid)")
    .replace(/(?<=ersion[^0-9]{1,30})\d{3,}/g, "(version)");
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key, each]) => !dropped.has(key) && each !== null)
    .map(([key, each]) => [key, key === "managedFields" ? ownEntries(each) : cleaned(each)] as const)
    // A real server writes some empty structures that mean nothing.
    .filter(([key, each]) => !((key === "metadata" || key === "annotations") && isBare(each)));
  return Object.fromEntries(entries);
}

const ownManagers = ["slipway", "one", "two", "three"];

/** Of who wrote it here; the cluster's own components write when they like. */
function ownEntries(entries: unknown): unknown {
  const own = (entries as { manager: string; operation: string }[]).filter(each =>
    ownManagers.includes(each.manager),
  );
  const sorted = own.toSorted((one, other) =>
    one.operation + one.manager < other.operation + other.manager ? -1 : 1,
  );
  return withoutDots(cleaned(sorted));
}

/** Whether a place is in the set beside what is in it makes no difference to anybody. */
function withoutDots(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDots);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== ".")
      .map(([key, each]) => [key, withoutDots(each)]),
  );
}

function isBare(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
