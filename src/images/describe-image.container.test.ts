// Against a real registry, with and without a login.

import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRegistry, type TestRegistry } from "../../test/containers/registry.ts";
import { describeImage } from "./describe-image.ts";
import { manifestTypes, openRegistry } from "./registry.ts";

let open: TestRegistry;
let locked: TestRegistry;
const { signal } = new AbortController();

beforeAll(async () => {
  [open, locked] = await Promise.all([startRegistry({ auth: false }), startRegistry({ auth: true })]);
  await push(open, {});
  const { username, password } = locked.credentials;
  const basic = Buffer.from(`${username}:${password.reveal()}`).toString("base64");
  await push(locked, { authorization: `Basic ${basic}` });
});
afterAll(async () => {
  await open[Symbol.asyncDispose]();
  await locked[Symbol.asyncDispose]();
});

const digestOf = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
let indexDigest = "";

/** One image for two platforms, as `some/service:1`, and the one of them alone as `:amd64`. */
async function push({ host }: TestRegistry, headers: Record<string, string>): Promise<void> {
  const base = `http://${host}/v2/some/service`;
  const put = async (url: string, body: string, type: string) => {
    const answer = await fetch(url, { method: "PUT", body, headers: { ...headers, "content-type": type } });
    if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  };
  const blob = async (text: string) => {
    const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST", headers });
    const at = new URL(begun.headers.get("location") ?? "", base);
    at.searchParams.set("digest", digestOf(text));
    await put(at.href, text, "application/octet-stream");
    return { digest: digestOf(text), size: text.length };
  };
  const layer = await blob("no real layer");
  const manifests = [];
  for (const architecture of ["amd64", "arm64"]) {
    const config = await blob(
      JSON.stringify({
        architecture,
        os: "linux",
        config: {
          Env: ["PATH=/bin", `ARCH=${architecture}`, "EMPTY="],
          ExposedPorts: { "5432/tcp": {}, "53/udp": {} },
        },
        rootfs: { type: "layers", diff_ids: [] },
      }),
    );
    const text = JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestTypes.manifest,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...layer }],
    });
    await put(`${base}/manifests/${architecture}`, text, manifestTypes.manifest);
    manifests.push({
      mediaType: manifestTypes.manifest,
      digest: digestOf(text),
      size: text.length,
      platform: { os: "linux", architecture },
    });
  }
  const index = JSON.stringify({ schemaVersion: 2, mediaType: manifestTypes.index, manifests });
  indexDigest = digestOf(index);
  await put(`${base}/manifests/1`, index, manifestTypes.index);
}

test.each(["amd64", "arm64"])("an image for several platforms is described for %s", async architecture => {
  const image = `${open.host}/some/service:1`;
  const described = await describeImage(openRegistry({ fetch }), { image, architecture }, signal);
  expect(described).toEqual({
    env: [
      { name: "PATH", value: "/bin" },
      { name: "ARCH", value: architecture },
      { name: "EMPTY", value: "" },
    ],
    ports: [
      { containerPort: 5432, protocol: "tcp" },
      { containerPort: 53, protocol: "udp" },
    ],
  });
});

test("by digest, and for one platform alone", async () => {
  const registry = openRegistry({ fetch });
  for (const name of [`some/service@${indexDigest}`, "some/service:amd64"]) {
    const described = await describeImage(
      registry,
      { image: `${open.host}/${name}`, architecture: "amd64" },
      signal,
    );
    expect(described.env).toContainEqual({ name: "ARCH", value: "amd64" });
  }
});

test("what is not there is told apart from what may not be read and what is for other machines", async () => {
  const registry = openRegistry({ fetch });
  const code = (image: string, architecture = "amd64") =>
    describeImage(registry, { image, architecture }, signal).then(
      () => "",
      error => error.code,
    );
  expect(await code(`${open.host}/some/other:1`)).toBe("registry-not-found");
  expect(await code(`${open.host}/some/service:1`, "riscv64")).toBe("image-platform");
  expect(await code(`${locked.host}/some/service:1`)).toBe("registry-refused");
  expect(await code("127.0.0.1:1/some/service:1")).toBe("registry-unreachable");
});

test("with a login what is locked opens", async () => {
  const { username, password } = locked.credentials;
  const request = {
    image: `${locked.host}/some/service:1`,
    login: { username, password },
    architecture: "amd64",
  };
  expect((await describeImage(openRegistry({ fetch }), request, signal)).ports).toHaveLength(2);
});

test("a mirror is asked first, and the registry where that has nothing", async () => {
  const asked: string[] = [];
  const counting: typeof fetch = (url, init) => {
    asked.push(new URL(String(url)).host);
    return fetch(url, init);
  };
  const request = { image: "registry.example/some/service:1", architecture: "amd64" };
  const mirrored = openRegistry({ fetch: counting, mirrors: { "registry.example": open.host } });
  expect((await describeImage(mirrored, request, signal)).ports).toHaveLength(2);
  const away = openRegistry({ fetch: counting, mirrors: { [open.host]: "127.0.0.1:1" } });
  const own = { ...request, image: `${open.host}/some/service:1` };
  expect((await describeImage(away, own, signal)).ports).toHaveLength(2);
  expect(asked.slice(0, 2)).toEqual([open.host, open.host]);
  expect(asked).toContain("127.0.0.1:1");
});
