import { expect, test } from "vitest";
import { SlipwayError } from "../../core/failure.ts";
import { DaemonError } from "./daemon-client.ts";
import { imageRefusal } from "./image-refusal.ts";

const call = { method: "POST", path: "/images/create" } as const;

/** What daemons and registries really said, and what it means. */
const refused: [string, string][] = [
  [
    "pull access denied for nosuch/image, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    "image-denied",
  ],
  ["manifest for alpine:nosuch not found: manifest unknown: manifest unknown", "image-not-found"],
  ["manifest for 127.0.0.1:5000/x:1 not found: manifest unknown", "image-not-found"],
  ["no such image: docker.io/x/y:latest: image not known", "image-not-found"],
  ['Head "https://r.io/v2/x/manifests/1": no basic auth credentials', "image-denied"],
  ["Get https://r.io/v2/: unauthorized: authentication required", "image-denied"],
  [
    "initializing source docker://127.0.0.1:5000/secret:1: reading manifest 1 in 127.0.0.1:5000/secret: unauthorized: authentication required",
    "image-denied",
  ],
  ["invalid reference format", "image-invalid"],
  ["invalid reference format: repository name must be lowercase", "image-invalid"],
  ["no matching manifest for linux/arm64/v8 in the manifest list entries", "image-not-found"],
];

test.each(refused)("the user's affair: %s", (text, code) => {
  const refusal = imageRefusal(new DaemonError(404, text, call), "shown:1", false);
  expect(refusal.code).toBe(code);
  expect(refusal.message).toContain("shown:1");
  expect(refusal.hint).toBeDefined();
});

const broken: [string, string][] = [
  [
    'Get "https://r.invalid/v2/": dial tcp: lookup r.invalid on 10.0.0.2:53: no such host',
    "registry-unreachable",
  ],
  ['Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', "registry-unreachable"],
  ["received unexpected HTTP status: 503 Service Unavailable", "registry-unreachable"],
  [
    "net/http: request canceled while waiting for connection (Client.Timeout exceeded)",
    "registry-unreachable",
  ],
  [
    'Get "https://registry-1.docker.io/v2/": x509: certificate signed by unknown authority',
    "registry-unreachable",
  ],
  ["toomanyrequests: You have reached your pull rate limit.", "registry-busy"],
  ["write /var/lib/docker/tmp/x: no space left on device", "no-space"],
  ["something that nobody has seen before", "image-failed"],
];

test.each(broken)("the machinery's affair: %s", (text, code) => {
  const error = new DaemonError(500, text, call);
  expect(() => imageRefusal(error, "shown:1", false)).toThrow(expect.objectContaining({ code }));
});

test("an error within the stream counts as the registry's word", () => {
  const error = new SlipwayError("registry-answer", "manifest unknown");
  expect(imageRefusal(error, "a", false).code).toBe("image-not-found");
});

test("a dead daemon stays a dead daemon, whatever its address says", () => {
  const error = new SlipwayError("daemon-unreachable", "not found");
  expect(() => imageRefusal(error, "a", false)).toThrow(error);
});

test("who has given credentials is told to check them", () => {
  const error = new DaemonError(500, "unauthorized: incorrect username or password", call);
  expect(imageRefusal(error, "a", true).hint).toContain("check username");
  expect(imageRefusal(error, "a", false).hint).toContain("docker login");
});
