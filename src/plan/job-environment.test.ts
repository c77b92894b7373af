import { expect, test } from "vitest";
import { Secret } from "../core/secret.ts";
import { type JobEnvironmentInput, jobEnvironment } from "./job-environment.ts";

function entries(record: Record<string, string>) {
  return Object.entries(record).map(([name, value]) => ({ name, value }));
}

function environmentOf(more: Partial<JobEnvironmentInput> = {}) {
  return jobEnvironment({
    dialect: "wercker",
    kind: "build",
    pipeline: "build",
    project: { id: "id1", name: "app", owner: "crew" },
    runId: "r1",
    baseUrl: "https://ci.example.org/",
    git: { owner: "crew", branch: "main", commit: "abc" },
    hostEnvironment: [],
    ...more,
  });
}

function names(more: Partial<JobEnvironmentInput>): string[] {
  return environmentOf(more).environment.map(variable => variable.name);
}

function valueIn(name: string, more: Partial<JobEnvironmentInput>): string | undefined {
  return environmentOf(more).environment.find(variable => variable.name === name)?.value;
}

test("a build's variables, in the order of the reference", () => {
  const url = "https://ci.example.org/crew/app/runs/build/r1";
  expect(environmentOf().environment).toEqual(
    entries({
      WERCKER_APPLICATION_ID: "id1",
      WERCKER_APPLICATION_NAME: "app",
      WERCKER_APPLICATION_OWNER_NAME: "crew",
      WERCKER_APPLICATION_URL: "https://ci.example.org/#applications/id1",
      TERM: "xterm-256color",
      BUILD: "true",
      CI: "true",
      WERCKER_RUN_ID: "r1",
      WERCKER_RUN_URL: url,
      WERCKER_GIT_DOMAIN: "",
      WERCKER_GIT_OWNER: "crew",
      WERCKER_GIT_REPOSITORY: "",
      WERCKER_GIT_BRANCH: "main",
      WERCKER_GIT_TAG: "",
      WERCKER_GIT_COMMIT: "abc",
      WERCKER_BUILD_ID: "r1",
      WERCKER_BUILD_URL: url,
    }),
  );
});

test("a deploy has DEPLOY, its own ids and its target, and CI in slipway.yml only", () => {
  const deploy = { kind: "deploy", pipeline: "deploy", target: "live" } as const;
  const found = names(deploy);
  expect(found).toEqual(expect.arrayContaining(["DEPLOY", "WERCKER_DEPLOY_ID", "WERCKER_DEPLOY_URL"]));
  expect(found).not.toEqual(expect.arrayContaining(["CI"]));
  expect(found).not.toEqual(expect.arrayContaining(["BUILD"]));
  expect(found.at(-1)).toBe("WERCKER_DEPLOYTARGET_NAME");
  expect(names({ ...deploy, target: "" })).not.toContain("WERCKER_DEPLOYTARGET_NAME");
  expect(valueIn("CI", { ...deploy, dialect: "slipway" })).toBe("true");
  expect(names({ target: "live" })).not.toContain("WERCKER_DEPLOYTARGET_NAME");
});

test("what triggered the run is told in slipway.yml only", () => {
  expect(valueIn("SLIPWAY_EVENT", { event: "push", dialect: "slipway" })).toBe("push");
  expect(names({ event: "push" })).not.toContain("SLIPWAY_EVENT");
});

test("only what has a prefix comes from the host, and it overrides in place", () => {
  const hostEnvironment = entries({
    HOME: "/root",
    X_ZED: "$A",
    X_WERCKER_GIT_BRANCH: "mine",
    X_X_FOO: "x",
    X_: "nothing",
    XXX_TOKEN: "s3cret",
    XXX_: "nothing",
    XX_NO: "no",
    X_CI: "",
  });
  const { environment, secrets, secretValues } = environmentOf({ hostEnvironment });
  const found = environment.map(variable => variable.name);
  expect(environment.slice(-2)).toEqual(entries({ ZED: "$A", X_FOO: "x" }));
  expect(found.indexOf("WERCKER_GIT_BRANCH")).toBeLessThan(found.indexOf("WERCKER_GIT_TAG"));
  expect(environment).toContainEqual({ name: "WERCKER_GIT_BRANCH", value: "mine" });
  expect(environment).toContainEqual({ name: "CI", value: "" });
  expect(secrets).toEqual([{ name: "TOKEN", exported: true }]);
  expect(secretValues.get("TOKEN")?.reveal()).toBe("s3cret");
  expect(JSON.stringify({ environment, secrets, secretValues: [...secretValues] })).not.toContain("s3cret");
});

test("proxies pass, unless they are given with a prefix", () => {
  const hostEnvironment = entries({
    http_proxy: "http://p",
    NO_PROXY: "",
    HTTPS_PROXY: "a",
    X_HTTPS_PROXY: "b",
  });
  const found = environmentOf({ hostEnvironment }).environment;
  expect(found.filter(variable => /proxy/i.test(variable.name))).toEqual(
    entries({ HTTPS_PROXY: "b", http_proxy: "http://p" }),
  );
});

test("who started the run is mirrored from the host, and a prefixed variable still wins", () => {
  const host = entries({
    WERCKER_STARTED_BY: "host",
    WERCKER_MAIN_PIPELINE_STARTED: "1",
    WERCKER_OTHER: "no",
  });
  expect(valueIn("WERCKER_STARTED_BY", { hostEnvironment: host })).toBe("host");
  expect(names({ hostEnvironment: host })).not.toContain("WERCKER_OTHER");
  const both = [...entries({ X_WERCKER_STARTED_BY: "me" }), ...host];
  expect(valueIn("WERCKER_STARTED_BY", { hostEnvironment: both })).toBe("me");
});

test("what is given by name overrides the host", () => {
  const { environment, secretValues, secrets } = environmentOf({
    hostEnvironment: entries({ X_A: "host", XXX_B: "host" }),
    variables: entries({ A: "given" }),
    secrets: new Map([
      ["B", new Secret("given")],
      ["C", new Secret("c")],
    ]),
  });
  expect(environment).toContainEqual({ name: "A", value: "given" });
  expect(secretValues.get("B")?.reveal()).toBe("given");
  expect(secrets.map(secret => secret.name)).toEqual(["B", "C"]);
});
