import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { packEntries } from "../lib/tar/pack-entries.ts";
import { storageContract } from "../storage/storage.contract.ts";
import { claimAnswer } from "./fixtures/claim-answer.ts";
import { type StandInPlatform, startStandIn } from "./fixtures/stand-in-platform.ts";
import { remoteStorage } from "./remote-storage.ts";
import { openRunnerHttp } from "./runner-http.ts";
import { createRunnerLink } from "./runner-link.ts";

const { signal } = new AbortController();
let randoms = 0;
const random = () => (randoms++).toString(16).padStart(32, "0");

async function open(limits?: { cacheBytes: number; artifactBytes: number }) {
  const platform = await startStandIn(claimAnswer());
  const directory = await mkdtemp(path.join(tmpdir(), "storage-"));
  const http = openRunnerHttp({ url: platform.url, clock: systemClock });
  const { key, epoch } = platform.answer;
  const link = createRunnerLink({ http, key, epoch, clock: systemClock, random, patienceMs: 10_000 });
  const packed = platform.answer.limits;
  return {
    platform,
    storage: remoteStorage({ link, directory, packed, ...(limits === undefined ? {} : { limits }) }),
    async [Symbol.asyncDispose]() {
      http[Symbol.dispose]();
      await platform[Symbol.asyncDispose]();
      // Nothing that was held lies about, whatever the test did.
      expect(await readdir(directory)).toEqual([]);
      await rm(directory, { recursive: true });
    },
  };
}

storageContract("remote", open);

/** Random bytes cannot be packed: an archive of about 6 MB, so that it lies on disk. */
const large = Buffer.from(Array.from({ length: 6_000_000 }, (_, at) => (at * at * 31 + (at >> 7)) % 251));

function archive(content: Buffer | string) {
  return packEntries([{ kind: "file", path: "cache/f", content }], { owner: { uid: 0, gid: 0 }, mtime: 1e9 });
}

async function loaded(storage: Awaited<ReturnType<typeof open>>["storage"]): Promise<Buffer> {
  const stream = await storage.loadCache(["k"], "", { uid: 1, gid: 1 }, signal);
  return Buffer.concat(await Array.fromAsync(stream!));
}

const mishaps = (platform: StandInPlatform, wanted: string, ...list: (number | "cut" | "lose")[]) => {
  platform.mishap = request => (request === wanted ? list.shift() : undefined);
};

test("an archive is sent again, whole, until the platform has it", async () => {
  await using opened = await open();
  const { platform, storage } = opened;
  mishaps(platform, "PUT cache", 503, "cut", "lose");
  expect(await storage.storeCache("k", archive(large), signal)).toMatchObject({ files: 1 });
  mishaps(platform, "GET cache", 500, "cut");
  expect((await loaded(storage)).includes(large.subarray(0, 10_000))).toBe(true);
});

test("a cache whose bytes the platform has is named, not sent", async () => {
  await using opened = await open();
  const { platform, storage } = opened;
  await storage.storeCache("k", archive(large), signal);
  const before = platform.requests.length;
  expect(await storage.storeCache("k", archive(large), signal)).toMatchObject({ files: 1 });
  expect(platform.requests.slice(before)).toEqual(["PUT cache"]);
});

test("what comes damaged is no cache", async () => {
  await using opened = await open();
  const { platform, storage } = opened;
  await storage.storeCache("k", archive(large), signal);
  const bytes = Buffer.from(platform.caches.get("k")!);
  bytes[bytes.length >> 1]! ^= 0xff;
  platform.caches.set("k", bytes);
  await expect(loaded(storage)).rejects.toThrow(/damaged|cut short|no tar|refused/);
});

test("what is over the platform's limit when packed is too large", async () => {
  await using opened = await open();
  const { platform, storage } = opened;
  platform.answer.limits.artifactBytes = 1000;
  expect(await storage.storeArtifact({ name: "a", paths: [] }, archive(large), signal)).toBe("too-large");
});

test("a fenced attempt stores nothing", async () => {
  await using opened = await open();
  const { platform, storage } = opened;
  platform.stale = true;
  await expect(storage.storeCache("k", archive("x"), signal)).rejects.toThrow("fenced");
  const sent = platform.requests.length;
  await expect(storage.storeCache("k", archive("x"), signal)).rejects.toThrow("fenced");
  expect(platform.requests.length).toBe(sent);
});
