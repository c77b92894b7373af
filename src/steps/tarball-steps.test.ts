import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Cancel } from "../core/cancel.ts";
import type { Clock } from "../lib/clock.ts";
import { packEntries } from "../lib/tar/pack-entries.ts";
import { openTarballSteps } from "./tarball-steps.ts";

let directory: string;
const signal = new AbortController().signal;
const url = "https://steps.example/foo.tar";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-tarballs-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Notes what is waited for; the pauses between tries end at once. */
function testClock() {
  const pauses: number[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after(ms, run) {
      if (ms < 10_000) {
        pauses.push(ms);
        queueMicrotask(run);
      }
      return () => {};
    },
  };
  return { clock, pauses };
}

async function tar(text: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const entry = { kind: "file", path: "run.sh", content: text } as const;
  for await (const chunk of packEntries([entry], { owner: { uid: 0, gid: 0 }, mtime: 0 })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

type Body = ConstructorParameters<typeof Response>[0];

function answering(...bodies: (Body | number)[]) {
  const fetch = async () => {
    const body = bodies.length > 1 ? bodies.shift()! : bodies[0]!;
    return typeof body === "number" ? new Response(null, { status: body }) : new Response(body);
  };
  return fetch as typeof globalThis.fetch;
}

test("waits a little longer before each new try", async () => {
  const { clock, pauses } = testClock();
  const steps = openTarballSteps({
    directory,
    clock,
    fetch: answering(500, 503, (await tar("x")) as Body),
  });
  expect((await steps.resolve(url, signal)).ok).toBe(true);
  expect(pauses).toEqual([200, 400]);
});

test("an endless download is cut off", async () => {
  const { clock } = testClock();
  let sent = 0;
  const endless = new ReadableStream({
    pull(controller) {
      sent++;
      controller.enqueue(new Uint8Array(1024 * 1024));
    },
  });
  const steps = openTarballSteps({ directory, clock, fetch: answering(endless) });
  expect(await steps.resolve(url, signal)).toMatchObject({ ok: false, refusal: { code: "step-too-large" } });
  expect(sent).toBeLessThan(70);
});

test("a kept copy that was tampered with is not used", async () => {
  const { clock } = testClock();
  const steps = openTarballSteps({ directory, clock, fetch: answering((await tar("good")) as Body) });
  const first = await steps.resolve(url, signal);
  if (!first.ok) throw new Error(first.refusal.message);
  const [folder] = readdirSync(directory);
  const [file] = readdirSync(join(directory, folder!));
  writeFileSync(join(directory, folder!, file!), await tar("evil"));
  const away = openTarballSteps({ directory, clock, fetch: answering(500) });
  await expect(away.files(url, first.value.digest, signal)).rejects.toThrow("answered 500");
});

test("credentials in a URL are refused and not shown", async () => {
  const { clock } = testClock();
  const steps = openTarballSteps({ directory, clock, fetch: answering(500) });
  const refused = await steps.resolve("https://me:s3cret@steps.example/foo.tar", signal);
  expect(refused).toMatchObject({ ok: false, refusal: { code: "step-reference-invalid" } });
  expect(JSON.stringify(refused)).not.toContain("s3cret");
});

test("a cancel breaks a download off with its reason", async () => {
  const { clock } = testClock();
  const controller = new AbortController();
  const reason = new Cancel("canceled", "enough");
  const hanging = ((_: string, init: RequestInit) =>
    new Promise((_resolve, reject) => {
      init.signal!.addEventListener("abort", () => reject(init.signal!.reason));
      controller.abort(reason);
    })) as typeof globalThis.fetch;
  const steps = openTarballSteps({ directory, clock, fetch: hanging });
  await expect(steps.resolve(url, controller.signal)).rejects.toBe(reason);
});
