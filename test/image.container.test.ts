// The image: built as `npm run image` builds it, loaded, and started as a cluster starts it: as a user without rights, on a
// root file system that cannot be written.

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildImage, type SlipwayImage, slipwayImage } from "./containers/slipway-image.ts";
import { root } from "./sources.ts";

let image: SlipwayImage;

/** Runs a program of the image as a hardened Pod would. */
const inImage = (entrypoint: string, ...args: string[]) =>
  spawnSync(
    "docker",
    [
      ...["run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"],
      ...["--security-opt", "no-new-privileges", "--entrypoint", entrypoint, image.reference, ...args],
    ],
    { encoding: "utf8" },
  );

beforeAll(async () => {
  image = await slipwayImage();
}, 300_000);
afterAll(() => image[Symbol.asyncDispose]());

test("its size and its start are told", () => {
  const value = (metric: string) => image.figures.find(figure => figure.metric === metric)!.value;
  expect(value("archive")).toBeLessThan(150);
  expect(value("start")).toBeGreaterThan(0);
});

test("it is the program, as a user without a name of weight", () => {
  const said = inImage("node", "/app/dist/cli/main.js", "--version");
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  expect({ status: said.status, stdout: said.stdout.trim(), stderr: said.stderr }).toEqual({
    ...{ status: 0, stdout: version, stderr: "" },
  });
  expect(inImage("sh", "-c", "id -u; id -g").stdout).toBe("10001\n10001\n");
});

test("git works in it, over every way in: local, ssh, https", () => {
  const script = `set -e; cd /tmp; git init -q one; cd one; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first
    git clone -q /tmp/one /tmp/two; git -C /tmp/two log --format=%s; git -C /tmp/two submodule status
    test -x /usr/lib/git-core/git-remote-https; ssh -V; test -s /etc/ssl/certs/ca-certificates.crt`;
  const said = inImage("sh", "-c", script);
  expect(said).toMatchObject({ status: 0, stdout: "first\n" });
  expect(said.stderr).toMatch(/^OpenSSH/);
});

test("busybox is in it and needs nothing else, so that any box can run it", () => {
  const binary = execFileSync(
    "docker",
    ["run", "--rm", "--entrypoint", "cat", image.reference, "/app/bin/busybox"],
    {
      maxBuffer: 2 ** 24,
    },
  );
  expect(binary.subarray(1, 4).toString()).toBe("ELF");
  // PT_INTERP is what names the dynamic loader.
  expect(binary.includes("/lib64/ld-linux")).toBe(false);
});

test("the archive is an OCI layout whose every blob has the name of its content", () => {
  const names = execFileSync("tar", ["-tf", image.archive], { encoding: "utf8" }).split("\n");
  const text = (name: string) =>
    execFileSync("tar", ["-xOf", image.archive, `./${name}`], { encoding: "utf8", maxBuffer: 2 ** 24 });
  expect(JSON.parse(text("oci-layout"))).toEqual({ imageLayoutVersion: "1.0.0" });
  const index = JSON.parse(text("index.json"));
  expect(index.manifests).toHaveLength(1);
  const blob = (digest: string) => `blobs/${digest.replace(":", "/")}`;
  const manifest = JSON.parse(text(blob(index.manifests[0].digest)));
  for (const { digest } of [manifest.config, ...manifest.layers]) {
    expect(names).toContain(`./${blob(digest)}`);
    const sum = execFileSync(
      "sh",
      ["-c", `tar -xOf "$1" "./$2" | sha256sum`, "sh", image.archive, blob(digest)],
      {
        encoding: "utf8",
      },
    );
    expect(`sha256:${sum.split(" ")[0]}`).toBe(digest);
  }
});

test("for arm64 it has programs of arm64", () => {
  const file = path.join(path.dirname(image.archive), "arm64.tar");
  buildImage("--arch", "arm64", "--no-build", "--output", file);
  const [manifest] = JSON.parse(
    execFileSync("tar", ["-xOf", file, "./manifest.json"], { encoding: "utf8" }),
  ) as { Layers: string[]; Config: string }[];
  const head = (layer: string, name: string) =>
    execFileSync("sh", [
      "-c",
      `tar -xOf "$1" "./$2" | tar -xzOf - "$3" | head -c 20`,
      "sh",
      file,
      layer,
      name,
    ]);
  // e_machine of ELF: 183 is AArch64.
  expect(head(manifest!.Layers[1]!, "./usr/local/bin/node").readUInt16LE(18)).toBe(183);
  expect(head(manifest!.Layers[0]!, "./usr/bin/git").readUInt16LE(18)).toBe(183);
}, 300_000);

test("the Dockerfile makes the same of the same packages", () => {
  const dockerfile = readFileSync(path.join(root, "deploy", "image", "Dockerfile"), "utf8");
  const content = readFileSync(path.join(root, "scripts", "image", "image-content.ts"), "utf8");
  const installed = /--no-install-recommends (.*) \\/.exec(dockerfile)![1]!.split(" ");
  for (const name of installed) expect(content).toContain(`"${name}"`);
  expect(dockerfile).toContain("USER 10001:10001");
  expect(dockerfile).toContain('ENTRYPOINT ["node", "/app/dist/cli/main.js"]');
});
