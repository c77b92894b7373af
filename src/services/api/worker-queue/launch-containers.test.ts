import { expect, test } from "vitest";
import { accept, refuse } from "../../../core/failure.ts";
import type { BoxSpec, Job } from "../../../core/job.ts";
import { Secret } from "../../../core/secret.ts";
import type { LaunchContainers } from "../../../queue/queue.ts";
import { type EcrLogin, launchContainers } from "./launch-containers.ts";

function box(over: Partial<BoxSpec> = {}): BoxSpec {
  return { id: "alpine", env: [], ports: [], auth: {}, ...over };
}

function job(over: Partial<Job> = {}): Job {
  return { pipeline: "build", environment: [], services: [], box: box(), sourceDir: "", ...over } as Job;
}

const noEcr: EcrLogin = async () => refuse("registry-auth-refused", "no");

async function containers(given: Job, secrets: Record<string, string> = {}): Promise<LaunchContainers> {
  const values = Object.entries(secrets).map(([name, value]) => ({ name, value }));
  const made = await launchContainers(given, values, noEcr);
  if ("refusal" in made) throw new Error(made.refusal.message);
  return made;
}

test("variables are resolved as the runner does it: the pipeline's first, then secrets, unknown ones empty", async () => {
  const made = await containers(
    job({
      environment: [
        { name: "TAG", value: "3.20" },
        { name: "BOTH", value: "plain" },
      ],
      box: box({ tag: "$TAG", env: [{ name: "where", value: "$WERCKER_ROOT $BOTH$NOTHING" }] }),
      services: [
        box({
          id: "library/postgres:16",
          cmd: "postgres -c 'max_connections=5'",
          ready: { port: 5432, timeoutMs: 1000 },
        }),
      ],
      basePath: "/go/src/web",
      resources: { cpu: 2 },
    }),
    { BOTH: "protected" },
  );
  expect(made).toEqual({
    box: {
      image: "docker.io/library/alpine:3.20",
      shownImage: "alpine:3.20",
      alias: "",
      env: [{ name: "WHERE", value: "/pipeline/source plain", secret: false }],
      ports: [],
    },
    services: [
      {
        image: "docker.io/library/postgres:16",
        shownImage: "library/postgres:16",
        alias: "postgres",
        cmd: ["postgres", "-c", "max_connections=5"],
        env: [],
        ports: [],
        ready: { port: 5432, timeoutMs: 1000 },
      },
    ],
    basePath: "/go/src/web",
    resources: { cpu: 2 },
  });
});

test("what is or holds a protected value is secret", async () => {
  const key = "-----BEGIN KEY-----\nabcdefghijkl\nmnopqrstuvwx\n-----END KEY-----";
  const made = await containers(
    job({
      box: box({
        env: [
          { name: "whole", value: "$PASSWORD" },
          { name: "within", value: "postgres://app:${PASSWORD}@db" },
          { name: "by-chance", value: "the hunter22 of the file" },
          { name: "short", value: "$PIN" },
          { name: "line", value: "mnopqrstuvwx" },
          { name: "plain", value: "1" },
        ],
      }),
    }),
    { PASSWORD: "hunter22", PIN: "", KEY: key },
  );
  const secret = Object.fromEntries(made.box.env.map(each => [each.name, each.secret]));
  expect(secret).toEqual({
    WHOLE: true,
    WITHIN: true,
    "BY-CHANCE": true,
    SHORT: true,
    LINE: true,
    PLAIN: false,
  });
});

test("credentials are at hand, Amazon's are asked for", async () => {
  const plain = await containers(
    job({ box: box({ id: "registry.example.org/app", auth: { username: "robot", password: "$TOKEN" } }) }),
    { TOKEN: "t0ken" },
  );
  expect(plain.box.credentials).toEqual({
    username: "robot",
    password: "t0ken",
    server: "registry.example.org",
  });
  const amazon = box({
    id: "app",
    auth: { "aws-access-key": "A", "aws-secret-key": "S", "aws-region": "eu-west-1", "aws-registry-id": "1" },
  });
  const login: EcrLogin = async access =>
    accept({
      username: "AWS",
      password: new Secret(access.secretKey.reveal() + access.region),
      server: access.server,
    });
  const made = await launchContainers(job({ box: amazon }), [], login);
  expect(made).toMatchObject({ box: { credentials: { username: "AWS", password: "Seu-west-1" } } });
  expect(await launchContainers(job({ box: amazon }), [], noEcr)).toMatchObject({
    refusal: { message: "no" },
  });
});

test.each([
  ["docker: true", job({ docker: true }), /Docker daemon/],
  ["volumes", job({ services: [box({ volumes: "/a:/b" })] }), /volumes/],
  ["ports of the host", job({ box: box({ ports: ["8080:80"] }) }), /8080:80/],
  ["a service that is a project", job({ services: [box({ url: "file://x" })] }), /file:\/\/x/],
  ["an image without a name", job({ box: box({ id: "$NOTHING" }) }), /not specified/],
  ["an image with a wrong name", job({ box: box({ id: "Not_A_Valid:::Name" }) }), /Name/],
] as const)("refuses %s", async (_, given, message) => {
  const made = await launchContainers(given, [], noEcr);
  expect(made).toMatchObject({ refusal: { message: expect.stringMatching(message) } });
});

test("a port of the container alone is none of the host's", async () => {
  const made = await containers(job({ box: box({ ports: ["8080", "53/udp"] }) }));
  expect(made.box.ports).toEqual([
    { containerPort: 8080, protocol: "tcp" },
    { containerPort: 53, protocol: "udp" },
  ]);
});
