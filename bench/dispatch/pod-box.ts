// What the pipes between runner and box of a Pod cost: a step's boundary, and files in both directions. The runner's side is
// this process, the box a container of the machine's daemon that shares a volume in memory with it.

import { encodeHeader, endOfArchive } from "../../src/lib/tar/tar-header.ts";
import { testDaemon } from "../../test/containers/docker-daemon.ts";
import { testPod } from "../../test/containers/pod-box.ts";
import { buildTestImages, testImages } from "../../test/containers/test-images.ts";
import { runInPod } from "../../test/pod/pod-job.ts";
import { type Figure, median } from "../local/figure.ts";

const steps = 60;
const mebibytes = 512;
const rounds = 3;

export async function podBox(): Promise<Figure[]> {
  const client = await testDaemon();
  await buildTestImages(client);
  return [...(await boundaries(client)), ...(await transfers(client))];
}

type Client = Awaited<ReturnType<typeof testDaemon>>;

/** From a step's last word to the next one's first, as the runner's events tell; both are `true`. */
async function boundaries(client: Client): Promise<Figure[]> {
  const list = Object.fromEntries(Array.from({ length: steps }, (_, at) => [`step${at}`, "true"]));
  await using job = await runInPod(client, list);
  const code = await job.runner.ended;
  if (code !== 0) throw new Error(`the job of the bench ended with ${code}`);
  const starts = job.platform.events
    .filter(event => event.type === "step-started" && event.phase === "main")
    .map(event => Date.parse(event.time));
  const each = starts.slice(1).map((time, index) => time - starts[index]!);
  const row = { bench: "pod-box", unit: "ms" };
  return [{ ...row, metric: "one more step, p50", value: median(each), goal: "<= 10" }];
}

async function transfers(client: Client): Promise<Figure[]> {
  await using pod = await testPod(client);
  const image = testImages.sh;
  const box = { image, shownImage: image, alias: "", env: [], ports: [], volumes: [] };
  await pod.startBox(box);
  const { signal } = new AbortController();
  const started = await pod.engine.start({
    ...{ runId: "bench", project: "bench", box, services: [], pull: "never", daemonAccess: false, dns: [] },
    ...{ exposePorts: false, enableVolumes: false, mounts: [], keep: false, report: () => {}, signal },
  });
  if (!started.ok) throw new Error(started.refusal.message);
  await using workspace = started.value;
  const [put, got]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    let began = performance.now();
    const result = await workspace.box.put(bigFile(), "/", signal);
    if (!result.ok) throw new Error(result.refusal.message);
    put.push(mebibytes / ((performance.now() - began) / 1000));
    began = performance.now();
    let bytes = 0;
    const archive = await workspace.box.get("/pipeline/big", signal);
    for await (const part of archive ?? []) bytes += part.length;
    if (bytes < mebibytes * 2 ** 20) throw new Error("not all came out of the box");
    got.push(mebibytes / ((performance.now() - began) / 1000));
  }
  const row = { bench: "pod-box", unit: "MB/s", goal: ">= 200" };
  return [
    { ...row, metric: "files into the box", value: median(put) },
    { ...row, metric: "files out of the box", value: median(got) },
  ];
}

async function* bigFile(): AsyncGenerator<Uint8Array> {
  const size = mebibytes * 2 ** 20;
  const chunk = new Uint8Array(64 * 1024).fill(7);
  yield encodeHeader({ path: "pipeline/big", kind: "file", mode: 0o644, size, mtime: 1e9, uid: 0, gid: 0 });
  for (let at = 0; at < size; at += chunk.length) yield chunk;
  yield endOfArchive;
}
