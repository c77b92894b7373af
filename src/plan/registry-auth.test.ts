import { expect, test } from "vitest";
import { Secret } from "../core/secret.ts";
import { inferRegistry, normalizeRegistry, type RegistryRequest, registryAccess } from "./registry-auth.ts";

function inferred(registry: string, repository: string) {
  const result = inferRegistry(registry, repository);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

test.each([
  ["", "a/b", "", "a/b"],
  ["", "r.com/a/b", "https://r.com/v2/", "r.com/a/b"],
  ["", "aX/b", "", "ax/b"],
  ["https://r.com", "a/b", "https://r.com", "r.com/a/b"],
  ["https://r.com", "o.com/a/b", "https://o.com/v2/", "o.com/a/b"],
  ["https://r.com/v2", "r.com/a/b", "https://r.com/v2", "r.com/a/b"],
  ["https://r.com:5000/v1/", "a", "https://r.com:5000/v1/", "r.com:5000/a"],
  ["http://localhost:5000", "a", "http://localhost:5000", "localhost:5000/a"],
  ["gcr.io", "gcr.io/a/b", "https://gcr.io/v2/", "gcr.io/a/b"],
  ["r.com:5000", "r.com:5000/a", "https://r.com:5000/v2/", "r.com:5000/a"],
])(
  "registry %j and repository %j are %j and %j",
  (registry, repository, inferredRegistry, inferredRepository) => {
    expect(inferred(registry, repository)).toMatchObject({
      registry: inferredRegistry,
      repository: inferredRepository,
    });
  },
);

test("what was inferred is told", () => {
  const messages = (registry: string, repository: string) =>
    inferred(registry, repository).notices.map(notice => notice.message);
  expect(messages("https://r.com", "a/b")).toEqual(["Using repository inferred from registry: r.com/a/b"]);
  expect(messages("https://r.com", "o.com/a/b")).toHaveLength(2);
  expect(messages("gcr.io", "gcr.io/a")).toHaveLength(1);
  expect(messages("", "a/b")).toEqual([]);
});

test.each([
  ["", "", "Repository not specified"],
  ["", "a//b", "is not a valid repository, error while validating repository name"],
  ["gcr.io", "a/b", "gcr.io is not a valid registry URL, error: "],
  ["ftp://r.com", "a/b", "ftp://r.com is not a valid registry URL, error: "],
])("registry %j and repository %j are refused: %s", (registry, repository, message) => {
  const result = inferRegistry(registry, repository);
  expect(result.ok || result.refusal.message).toContain(message);
});

test.each([
  ["", "https://index.docker.io/v2/", false],
  ["https://r.com/v2/", "https://r.com/v2/", false],
  ["https://r.com/v1", "https://r.com/v1/", false],
  ["https://r.com", "https://r.com/v1/", false],
  ["https://r.com/team///", "https://r.com/team/v1/", false],
  ["http://r.com/v2", "https://r.com/v2/", true],
])("%j is normally %j", (registry, url, forced) => {
  expect(normalizeRegistry(registry)).toEqual({ url, forced });
});

function access(request: RegistryRequest) {
  const result = registryAccess(request);
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

function refusal(request: RegistryRequest): string {
  const result = registryAccess(request);
  return result.ok ? "it was accepted" : result.refusal.message;
}

const plain = { username: "me", password: "sesame" };

test.each([
  ["a/b", undefined, "https://index.docker.io/v1/"],
  ["docker.io/a/b", undefined, "https://index.docker.io/v1/"],
  ["a/b", "https://index.docker.io/v1/", "https://index.docker.io/v1/"],
  ["r.com:5000/a", undefined, "r.com:5000"],
  ["a", "https://r.com/v2/", "r.com"],
])("plain credentials for %s with the registry %s go to %s", (repository, registry, server) => {
  const plan = access({ repository, auth: registry === undefined ? plain : { ...plain, registry } });
  expect(plan.access).toEqual({ kind: "plain", username: "me", password: expect.any(Secret), server });
  expect(plan.access.kind === "plain" && plan.access.password.reveal()).toBe("sesame");
});

test("without a user name there are no credentials", () => {
  expect(access({ repository: "a/b", auth: {} }).access).toEqual({ kind: "none" });
  expect(access({ repository: "a/b", auth: { username: "", password: "x" } }).access).toEqual({
    kind: "none",
  });
});

test("a registry that is not https is told of", () => {
  const { notices } = access({ repository: "a", auth: { ...plain, registry: "http://r.com" } });
  expect(notices.map(notice => notice.level)).toEqual(["info", "warning"]);
});

const aws = {
  "aws-access-key": "AK",
  "aws-secret-key": "SK",
  "aws-region": "eu-west-1",
  "aws-registry-id": "12",
};

test("Amazon: the image gets the registry's host, once, and the token is asked for elsewhere", () => {
  const host = "12.dkr.ecr.eu-west-1.amazonaws.com";
  const plan = access({
    repository: "Team/app",
    auth: { ...aws, "aws-strict-auth": "true", registry: "nonsense" },
  });
  expect(plan.repository).toBe(`${host}/team/app`);
  expect(plan.access).toEqual({
    kind: "ecr",
    region: "eu-west-1",
    registryId: "12",
    accessKey: "AK",
    secretKey: expect.any(Secret),
    server: host,
  });
  expect(JSON.stringify(plan)).not.toContain("SK");
  expect(access({ repository: `${host}/team/app`, auth: aws }).repository).toBe(`${host}/team/app`);
  const china = access({ repository: "a", auth: { ...aws, "aws-region": "cn-north-1" } });
  expect(china.repository).toBe("12.dkr.ecr.cn-north-1.amazonaws.com.cn/a");
});

const azure = {
  "azure-client-id": "client",
  "azure-client-secret": "hidden",
  "azure-subscription-id": "s",
  "azure-tenant-id": "t",
  "azure-resource-group": "g",
  "azure-registry-name": "r",
  "azure-login-server": "r.azurecr.io",
};

test("Azure: the client is the user, and the login server the registry", () => {
  const plan = access({ repository: "team/app", auth: { ...azure, ...plain } });
  expect(plan.repository).toBe("r.azurecr.io/team/app");
  expect(plan.access).toMatchObject({ kind: "plain", username: "client", server: "r.azurecr.io" });
  expect(plan.access.kind === "plain" && plan.access.password.reveal()).toBe("hidden");
  const url = access({ repository: "a", auth: { ...azure, "azure-login-server": "https://r.azurecr.io/" } });
  expect(url.repository).toBe("r.azurecr.io/a");
});

test("credentials of a cloud that are not complete are refused with what is missing", () => {
  const { "aws-region": _, ...noRegion } = aws;
  expect(refusal({ repository: "a", auth: { ...noRegion, "aws-registry-id": "" } })).toBe(
    "The credentials for the Amazon registry are not complete: aws-region, aws-registry-id are missing or empty.",
  );
  expect(refusal({ repository: "a", auth: { ...azure, "azure-tenant-id": "" } })).toContain(
    "azure-tenant-id is missing",
  );
  expect(refusal({ repository: "", auth: aws })).toBe("Repository not specified");
});

test("a cloud's keys without its secret are told of, since they have no effect", () => {
  const { notices, access: none } = access({ repository: "a", auth: { ...aws, "aws-secret-key": "" } });
  expect(none).toEqual({ kind: "none" });
  expect(notices[0]?.message).toBe(
    "aws-access-key, aws-region, aws-registry-id are not used: aws-secret-key is missing or empty.",
  );
});

test("the built-in registry is entered with the platform's token, whatever the file says", () => {
  const builtInRegistry = { url: "https://wcr.io/v2/", token: new Secret("tok") };
  const own = access({ repository: "wcr.io/team/app", auth: plain, builtInRegistry });
  expect(own).toMatchObject({
    builtIn: true,
    access: { kind: "plain", username: "token", server: "wcr.io" },
  });
  const other = access({ repository: "r.com/team/app", auth: plain, builtInRegistry });
  expect(other).toMatchObject({ builtIn: false, access: { username: "me" } });
});
