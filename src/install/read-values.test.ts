import fc from "fast-check";
import { expect, test } from "vitest";
import { readValues } from "./read-values.ts";
import { profileNames } from "./values.ts";

const refusal = (text: string, profile: (typeof profileNames)[number] = "kind") => {
  const read = readValues(text, profile);
  return read.ok ? undefined : read.refusal.message;
};

test("each profile of one node is enough by itself; production wants a bucket", () => {
  expect([refusal("", "kind"), refusal("{}", "minikube")]).toEqual([undefined, undefined]);
  expect(refusal("", "production")).toMatch(/^blobs\.s3\.address: is missing/);
  expect(refusal("blobs: { s3: { address: https://x } }", "production")).toContain('"https://x" is no s3://');
});

test.each([
  ["imag: {}", 'imag: there is no such value, did you mean "image"?'],
  ["worker: { replcas: 2 }", 'worker.replcas: there is no such value, did you mean "replicas"?'],
  ["egress: { allow: [{ cidr: 10.0.0.0/8, port: 1 }] }", 'did you mean "ports"?'],
  ["zzzz: 1", "zzzz: there is no such value"],
  ["url: ci.example.org", "url: an http or https address"],
  ["egress: { except: [10.0.0.0/33] }", "egress.except[0]: a network"],
  ["egress: { except: [10.0.0/8] }", "egress.except[0]: a network"],
  ["egress: { except6: [10.0.0.0/8] }", "egress.except6[0]: a network of IPv6"],
  ["database: { storage: lots }", "database.storage: a quantity"],
  ["namespaces: { platform: Big }", "namespaces.platform: a name of lower case"],
  ["namespaces: { platform: slipway-jobs }", "need one each"],
  ["[1]", "must be names and values"],
  ["a: [", "are no YAML"],
])("%s", (text, said) => {
  expect(refusal(text)).toContain(said);
});

test("maps are merged with those of the profile, lists replaced", () => {
  const read = readValues("jobs: { quota: { requests.cpu: '9' } }\nworker: { classes: [a, b] }", "kind");
  expect(read.ok && [read.value.jobs.quota, read.value.worker.classes, read.value.worker.capacity]).toEqual([
    { pods: "20", "requests.cpu": "9" },
    ["a", "b"],
    4,
  ]);
});

test("whatever stands in the file, it is read or refused", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), fc.constantFrom(...profileNames), (text, profile) => {
      const read = readValues(text, profile);
      expect(read.ok || read.refusal.message !== "").toBe(true);
    }),
  );
});
