import fc from "fast-check";
import { expect, test } from "vitest";
import type { BoxSpec } from "../core/job.ts";
import { boxContainer, type ContainerOptions } from "./container-spec.ts";

const variables: Record<string, string> = {
  TAG: "3.20",
  USER: "me",
  PASS: "open sesame",
  NAME: "Team/App",
  HOME: "/home/me",
};
const lookup = (name: string): string | undefined => variables[name];

function box(id: string, more: Partial<BoxSpec> = {}): BoxSpec {
  return { id, env: [], ports: [], auth: {}, ...more };
}

function planned(spec: BoxSpec, options: Partial<ContainerOptions> = {}) {
  const result = boxContainer(spec, { kind: "box", lookup, ...options });
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

function refusal(spec: BoxSpec, options: Partial<ContainerOptions> = {}) {
  const result = boxContainer(spec, { kind: "box", lookup, ...options });
  if (result.ok) throw new Error("it was accepted");
  return result.refusal;
}

const digest = `sha256:${"a".repeat(64)}`;

test.each<[string, string | undefined, string]>([
  ["alpine", undefined, "docker.io/library/alpine:latest"],
  ["alpine:3.18", undefined, "docker.io/library/alpine:3.18"],
  ["alpine:3.18", "$TAG", "docker.io/library/alpine:3.20"],
  ["alpine:$TAG", "$UNSET", "docker.io/library/alpine:3.20"],
  ["$NAME", undefined, "docker.io/team/app:latest"],
  ["localhost:5000/x", undefined, "localhost:5000/x:latest"],
  ["localhost:5000/x:1", "2", "localhost:5000/x:2"],
  [`alpine:3@${digest}`, undefined, `docker.io/library/alpine@${digest}`],
])("the image %s with the tag %s is %s", (id, tag, image) => {
  expect(planned(box(id, tag === undefined ? {} : { tag })).container.image).toBe(image);
});

test("everything of a service is expanded, and nothing of its command", () => {
  const service = box("r.com:5000/team/data-base:9.6", {
    cmd: "run --user '$USER name'",
    entrypoint: "",
    env: [
      { name: "password", value: "$PASS" },
      { name: "PASSWORD", value: "again ${PASS}" },
    ],
    ports: ["5432", "127.0.0.1:80:8080/udp"],
    volumes: "/data, $HOME/x:/x",
    auth: { username: "$USER", password: "$PASS" },
    ready: { port: 5432, timeoutMs: 1000 },
  });
  const { container } = planned(service, { kind: "service", enableVolumes: true });
  expect({
    ...container,
    credentials: { ...container.credentials, password: container.credentials?.password.reveal() },
  }).toEqual({
    image: "r.com:5000/team/data-base:9.6",
    shownImage: "r.com:5000/team/data-base:9.6",
    alias: "data-base",
    cmd: ["run", "--user", "$USER name"],
    env: [{ name: "PASSWORD", value: "again open sesame" }],
    ports: [
      { hostPort: 5432, containerPort: 5432, protocol: "tcp" },
      { hostIp: "127.0.0.1", hostPort: 80, containerPort: 8080, protocol: "udp" },
    ],
    volumes: [{ guest: "/data" }, { host: "/home/me/x", guest: "/x" }],
    credentials: { username: "me", password: "open sesame", server: "r.com:5000" },
    ready: { port: 5432, timeoutMs: 1000 },
  });
  expect(JSON.stringify(container.credentials)).not.toContain("sesame");
});

test("a box has no alias and, unless the file says so, no command", () => {
  const { container } = planned(box("alpine", { name: "ignored", volumes: "not/a/volume" }));
  expect(container.alias).toBe("");
  expect(container).not.toHaveProperty("cmd");
  expect(container.volumes).toEqual([]);
  expect(planned(box("alpine", { name: "db" }), { kind: "service" }).container.alias).toBe("db");
});

test.each(["my db", "-db", "é", "x".repeat(64)])("a service cannot be called %s, a box may", name => {
  expect(refusal(box("redis", { name }), { kind: "service" }).code).toBe("bad-service-name");
  expect(planned(box("redis", { name })).container.alias).toBe("");
});

test("--publish takes the place of the box's ports, and a checkpoint that of tag and digest", () => {
  const { container } = planned(box(`alpine@${digest}`, { ports: ["80"] }), {
    publish: ["81:82"],
    checkpoint: "deps",
  });
  expect(container.ports).toEqual([{ hostPort: 81, containerPort: 82, protocol: "tcp" }]);
  expect(container.image).toBe("docker.io/library/alpine:w-deps");
});

test("credentials that need a token first are named apart, with the image already theirs", () => {
  const auth = {
    "aws-access-key": "AK",
    "aws-secret-key": "$PASS",
    "aws-region": "eu-west-1",
    "aws-registry-id": "1234",
  };
  const { container, access } = planned(box("team/app:1", { auth }));
  expect(container.image).toBe("1234.dkr.ecr.eu-west-1.amazonaws.com/team/app:1");
  expect(container).not.toHaveProperty("credentials");
  expect(access).toMatchObject({ kind: "ecr", region: "eu-west-1", registryId: "1234", accessKey: "AK" });
});

test("a variable that is not set in an image is told of", () => {
  expect(planned(box("alpine:$VERSION")).notices.map(notice => notice.message)).toEqual([
    "$VERSION in the image alpine:$VERSION is not set, it is taken as empty.",
  ]);
  expect(refusal(box("$IMAGE"))).toMatchObject({
    code: "no-repository",
    message: 'Repository not specified: "$IMAGE" is empty.',
  });
});

test.each<[BoxSpec, string]>([
  [box(""), "no-box"],
  [box("UPPER//x"), "bad-image-name"],
  [box("https://r.com/x"), "bad-image-name"],
  [box("alpine", { tag: "a b" }), "bad-image-tag"],
  [box(`alpine@${digest}`, { tag: "3" }), "bad-image-name"],
  [box("alpine", { ports: ["eighty"] }), "bad-port"],
  [box("alpine", { cmd: "sh -c 'x" }), "bad-command-line"],
])("%j is refused as %s", (spec, code) => {
  expect(refusal(spec).code).toBe(code);
});

test("an engine without images accepts a box without one", () => {
  expect(planned(box(""), { allowNoImage: true }).container.image).toBe("");
});

test("a box in the style of the first platform is told what to write instead", () => {
  expect(refusal(box("wercker/ruby@0.0.1"))).toMatchObject({
    message: "Invalid box name, '@' is not allowed in docker repositories: wercker/ruby@0.0.1",
    hint: expect.stringContaining("first platform"),
  });
});

test("whatever a box says, it is planned or refused in words", () => {
  const text = fc.string({ unit: fc.constantFrom(..."aB1$AG{}:/@. ,'\"\\-é\n\0") });
  const key = fc.constantFrom(
    "username",
    "password",
    "registry",
    "aws-secret-key",
    "aws-region",
    "azure-client-secret",
  );
  const spec = fc.record(
    {
      id: text,
      tag: text,
      name: text,
      cmd: text,
      entrypoint: text,
      env: fc.array(fc.record({ name: text, value: text })),
      ports: fc.array(text, { maxLength: 2 }),
      volumes: text,
      auth: fc.dictionary(key, text),
    },
    { requiredKeys: ["id", "env", "ports", "auth"] },
  );
  fc.assert(
    fc.property(spec, fc.constantFrom("box" as const, "service" as const), (written, kind) => {
      const result = boxContainer(written, { kind, lookup, enableVolumes: true });
      if (!result.ok) expect(result.refusal.message).not.toBe("");
      else expect(result.value.container.image).toMatch(/^[^\s/]+\/\S+[:@]\S+$/);
    }),
    { numRuns: 500 },
  );
});
