import fc from "fast-check";
import { expect, test } from "vitest";
import { refusalOf } from "./verdict-refusal.ts";

/** As a server of version 1.32 answered a create. */
const answers: [code: number, reason: string, message: string, kind: string][] = [
  [
    403,
    "Forbidden",
    'pods "q2" is forbidden: exceeded quota: jobs, requested: pods=1, used: pods=1, limited: pods=1',
    "wait",
  ],
  [
    403,
    "Forbidden",
    'pods "q0" is forbidden: failed quota: jobs: must specify requests.cpu for: box',
    "broken quota-unmet",
  ],
  [
    403,
    "Forbidden",
    'pods "l" is forbidden: [minimum memory usage per Container is 16Mi, but request is 8Mi, maximum cpu usage per Container is 1, but limit is 2]',
    "broken limit-range",
  ],
  [
    403,
    "Forbidden",
    'pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false',
    "broken admission-refused",
  ],
  [
    403,
    "Forbidden",
    'pods "x" is forbidden: unable to create new content in namespace jobs because it is being terminated',
    "broken namespace-ending",
  ],
  [
    403,
    "Forbidden",
    'pods is forbidden: User "system:serviceaccount:jobs:worker" cannot create resource "pods" in API group "" in the namespace "jobs"',
    "broken not-permitted",
  ],
  [
    403,
    "Forbidden",
    'pods "sa" is forbidden: error looking up service account jobs/nobody: serviceaccount "nobody" not found',
    "broken service-account-missing",
  ],
  [
    403,
    "Forbidden",
    'pods "pc" is forbidden: no PriorityClass with name no-such-class was found',
    "broken priority-class-missing",
  ],
  [
    403,
    "Forbidden",
    'pods "rc" is forbidden: pod rejected: RuntimeClass "no-such-class" not found',
    "broken runtime-class-missing",
  ],
  [404, "NotFound", 'namespaces "no-such-namespace" not found', "broken namespace-missing"],
  [422, "Invalid", 'Pod "bad" is invalid: spec.containers[0].image: Required value', "broken pod-invalid"],
  [
    400,
    "BadRequest",
    'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.nodeSelektor"',
    "broken pod-invalid",
  ],
  [
    400,
    "",
    'admission webhook "policy.example.org" denied the request: images only from our registry',
    "broken admission-refused",
  ],
  [403, "Forbidden", "something new", "broken admission-refused"],
  [413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728", "failed too-large"],
  [429, "TooManyRequests", "too many requests", "wait"],
  [401, "Unauthorized", "Unauthorized", "wait"],
  [409, "Conflict", "Operation cannot be fulfilled on resourcequotas", "wait"],
  [500, "InternalError", 'failed calling webhook "policy.example.org": context deadline exceeded', "wait"],
  [504, "Timeout", "request did not complete", "wait"],
];

test.each(answers)("%i %s: %s -> %s", (code, reason, message, expected) => {
  const refusal = refusalOf({ kind: "Status", code, reason, message });
  const kind = refusal.kind === "wait" ? "wait" : `${refusal.end.outcome} ${refusal.end.reason}`;
  expect(kind).toBe(expected);
  expect(refusal.message).toContain(message);
});

test("any answer is one or the other", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999 }), fc.string(), fc.string(), (code, reason, message) => {
      expect(["wait", "end"]).toContain(refusalOf({ kind: "Status", code, reason, message }).kind);
    }),
  );
  expect(refusalOf({ kind: "Status" }).kind).toBe("wait");
});
