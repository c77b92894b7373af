// Requests that a real API server (1.32) has answered, asked of the stand-in: code, reason, message and details must be
// the same. What changes from server to server (uids, versions) is left out of the comparison.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type StandIn, startStandIn } from "./stand-in.ts";

interface Recorded {
  request: { method: string; path: string; body?: unknown; contentType?: string; as?: string };
  status: number;
  headers?: { warning?: string; "retry-after"?: string };
  body?: Record<string, unknown>;
  kind?: string;
  events?: { type: string; object?: unknown }[];
}

const recorded = JSON.parse(
  readFileSync(new URL("recorded-answers.json", import.meta.url), "utf8"),
) as Record<string, Recorded>;

let standIn: StandIn;
let worker: string;

async function startPlace(): Promise<AsyncDisposable> {
  const more = [
    "answers",
    "answers-secure",
    "answers-warn",
    "answers-quota",
    "answers-range",
    "answers-ending",
  ];
  standIn = await startStandIn({ namespaces: more });
  const { inside } = standIn;
  const label = (name: string, mode: string) =>
    inside.change<{ metadata: { labels: Record<string, string> } }>("namespaces", undefined, name, copy => {
      copy.metadata.labels[`pod-security.kubernetes.io/${mode}`] = "restricted";
    });
  label("answers-secure", "enforce");
  label("answers-warn", "warn");
  inside.put("resourcequotas", {
    kind: "ResourceQuota",
    apiVersion: "v1",
    metadata: { name: "jobs", namespace: "answers-quota" },
    spec: { hard: { pods: "1", "requests.cpu": "1" } },
  });
  const limits = [{ type: "Container", min: { memory: "16Mi" }, max: { cpu: "1" } }];
  inside.put("limitranges", {
    kind: "LimitRange",
    apiVersion: "v1",
    metadata: { name: "jobs", namespace: "answers-range" },
    spec: { limits },
  });
  const rbac = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    metadata: { name: "worker", namespace: "answers" },
  };
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }];
  inside.put("roles", { ...rbac, kind: "Role", rules });
  const roleRef = { kind: "Role", name: "worker", apiGroup: "rbac.authorization.k8s.io" };
  const subjects = [{ kind: "ServiceAccount", name: "worker", namespace: "answers" }];
  inside.put("rolebindings", { ...rbac, kind: "RoleBinding", roleRef, subjects });
  worker = standIn.serviceAccountToken("answers", "worker");
  return standIn;
}

function tokenFor(as: string | undefined): Record<string, string> {
  if (as === undefined) return { authorization: `Bearer ${standIn.token}` };
  if (as === "nobody") return {};
  return { authorization: `Bearer ${as.startsWith("service account worker") ? worker : "nobody's"}` };
}

/** Bodies of megabytes are not kept. */
function bodyOf(name: string, { body }: Recorded["request"]): string | undefined {
  if (name === "create_too_large") return "x".repeat(3_200_264);
  if (name === "create_annotations_too_large") {
    const containers = [{ name: "box", image: "busybox:latest" }];
    const annotations = { a: "x".repeat(300_000) };
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "big", annotations },
      spec: { containers },
    });
  }
  return body === undefined || typeof body === "string" ? body : JSON.stringify(body);
}

const loose = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value)
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "(uid)")
      .replace(/(ersion in (?:the precondition|record) )\(\d+\)/g, "$1(version)")
      .replace(/current: \d+/g, "current: (version)")
      .replace(/\(\d{4,}\)/g, "(version)")
      // The difference that Go prints after the words.
      .replace(/\\n {2}core\.PodSpec\{.*?\\n {2}\}\\n/g, "\\n"),
  );

async function ask(name: string, { method, path, contentType, as, ...rest }: Recorded["request"]) {
  const body = bodyOf(name, rest as Recorded["request"]);
  const partial = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
  const headers = {
    ...tokenFor(as),
    ...(name === "list_partial_metadata" ? { accept: partial } : {}),
    ...(body === undefined ? {} : { "content-type": contentType ?? "application/json" }),
  };
  return await fetch(standIn.url + path, { method, headers, ...(body === undefined ? {} : { body }) });
}

/** Some cases stand on what was there then. */
const before: Record<string, () => Promise<void> | void> = {
  update_conflict: () => touch("a"),
  delete_pending_pod: () => touch("a"),
  namespace_terminating: () => {
    standIn.inside.change<{ metadata: { deletionTimestamp: string; finalizers: string[] } }>(
      "namespaces",
      undefined,
      "answers-ending",
      copy => {
        copy.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
        copy.metadata.finalizers = ["example.com/hold"];
      },
    );
  },
};

function touch(name: string): void {
  standIn.inside.change<{ metadata: { labels?: object } }>("pods", "answers", name, copy => {
    copy.metadata.labels = { touched: "yes" };
  });
}

async function differenceOf(name: string, expected: Recorded): Promise<{ got: unknown; wanted: unknown }> {
  await before[name]?.();
  const answer = await ask(name, expected.request);
  const text = await answer.text();
  if (expected.events !== undefined && expected.events.length > 0) {
    const events = text
      .trim()
      .split("\n")
      .map(line => JSON.parse(line) as unknown);
    return { got: loose(events), wanted: loose(expected.events) };
  }
  const body = text.startsWith("{") ? (JSON.parse(text) as { kind?: string }) : undefined;
  const isStatus = expected.body?.kind === "Status";
  const head = (status: number, warning: string | null | undefined, after: string | null | undefined) => ({
    status,
    warning: warning ?? undefined,
    retryAfter: after ?? undefined,
  });
  const { headers } = answer;
  return {
    got: {
      ...head(answer.status, headers.get("warning"), headers.get("retry-after")),
      body: isStatus ? loose(body) : expected.kind && body?.kind,
    },
    wanted: {
      ...head(expected.status, expected.headers?.warning, expected.headers?.["retry-after"]),
      body: isStatus ? loose(expected.body) : expected.kind,
    },
  };
}

test("the stand-in answers as the real server did", async () => {
  await using _ = await startPlace();
  for (const [name, expected] of Object.entries(recorded)) {
    const { got, wanted } = await differenceOf(name, expected);
    expect.soft(got, name).toEqual(wanted);
  }
});
