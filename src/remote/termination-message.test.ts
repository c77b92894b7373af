import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type RunnerEnd, signatureOf, terminationMessage } from "./termination-message.ts";

const end: RunnerEnd = {
  attemptId: "a1",
  outcome: "failed",
  reason: "finished",
  message: "exit code 3",
  events: 12,
  chunks: 34,
  key: "swk_a1_secret",
};

test("whoever keeps the hash of the key can check it, and the key is not in it", () => {
  const text = terminationMessage(end);
  const { signature, ...said } = JSON.parse(text);
  expect(said).toEqual({
    attempt: "a1",
    outcome: "failed",
    reason: "finished",
    message: "exit code 3",
    events: 12,
    chunks: 34,
  });
  const hash = createHash("sha256").update("swk_a1_secret").digest();
  expect(signature).toBe(signatureOf(JSON.stringify(said), hash));
  expect(text).not.toContain("secret");
});

test("without a key nothing is signed", () => {
  const { key: _, ...unclaimed } = end;
  expect(JSON.parse(terminationMessage(unclaimed)).signature).toBe("");
});

test("whatever the message, Kubernetes takes it whole", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 9000 }), fc.nat(20), (part, times) => {
      const message = part.repeat(times);
      const text = terminationMessage({ ...end, message });
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096);
      expect(message.startsWith(JSON.parse(text).message)).toBe(true);
    }),
    { numRuns: 60 },
  );
});
