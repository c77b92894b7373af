// A Pod whose image swallows the supervisor: the engine by itself, with pipes that nobody opens.

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { plainContainer, plainRequest } from "../fixtures/plain-request.ts";
import { createPodEngine } from "./pod-engine.ts";
import { prepareIo } from "./prepare-io.ts";

const busybox = ["/bin/busybox", "/usr/bin/busybox"].find(existsSync) ?? "busybox";
/** A thousand times as fast. */
const fast: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now() * 1000,
  after: (ms, run) => systemClock.after(ms / 1000, run),
};

test("the job fails with what to do, though nothing of the box was ever heard", async () => {
  const home = await mkdtemp(join(tmpdir(), "slipway-pod-"));
  const where = { io: join(home, "io"), bin: join(home, "bin") };
  await mkdir(where.io);
  using io = await prepareIo({ busybox, ...where });
  const engine = createPodEngine({ io, nonce: "n", clock: fast });
  let looks = 0;
  const started = await engine.start(
    plainRequest({
      box: plainContainer({ shownImage: "swallows:1" }),
      placeWaits: () => looks++ < 3,
    }),
  );
  expect(started).toMatchObject({ ok: false, refusal: { code: "box-without-shell" } });
  expect(JSON.stringify(started)).toMatch(/swallows:1.*ENTRYPOINT/);
  await engine.end(1);
  await rm(home, { recursive: true, force: true });
});
