import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";
import { ecrCredentials, signedHeaders } from "./ecr-token.ts";

let server: Server;
let endpoint: string;
let answer: { status: number; body: unknown };
let asked: { headers: Record<string, unknown>; body: string }[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", chunk => (body += chunk));
    request.on("end", () => {
      asked.push({ headers: request.headers, body });
      response.writeHead(answer.status, { connection: "close" }).end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(() => new Promise(resolve => server.close(resolve)));

const access = {
  region: "eu-west-1",
  registryId: "123456789012",
  accessKey: "AKIDEXAMPLE",
  secretKey: new Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
  server: "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
};
const signal = new AbortController().signal;
const now = () => new Date("2015-08-30T12:36:00Z");

// Published with the description of the signature.
test.each([
  ["GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  ["POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
])("signs %s as the published example does", (method, signature) => {
  const { accessKey, secretKey } = access;
  const url = new URL("https://example.amazonaws.com/");
  const request = { method, url, headers: {}, body: "", region: "us-east-1", service: "service" };
  expect(signedHeaders({ ...request, accessKey, secretKey, time: now() })).toEqual({
    "x-amz-date": "20150830T123600Z",
    authorization:
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
      `SignedHeaders=host;x-amz-date, Signature=${signature}`,
  });
});

test("user and password come out of the token", async () => {
  const token = Buffer.from("AWS:pass:word").toString("base64");
  answer = { status: 200, body: { authorizationData: [{ authorizationToken: token }] } };
  const got = await ecrCredentials(access, signal, { endpoint, now });
  if (!got.ok) throw new Error(got.refusal.message);
  expect(got.value).toMatchObject({ username: "AWS", server: access.server });
  expect(got.value.password.reveal()).toBe("pass:word");
  expect(asked[0]!.body).toBe('{"registryIds":["123456789012"]}');
  expect(asked[0]!.headers).toMatchObject({
    "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
    "content-type": "application/x-amz-json-1.1",
    authorization: expect.stringContaining("Credential=AKIDEXAMPLE/20150830/eu-west-1/ecr/aws4_request"),
  });
});

test("a key that is not taken is the user's affair, and is not shown", async () => {
  answer = { status: 400, body: { __type: "UnrecognizedClientException", message: "The token is invalid." } };
  const got = await ecrCredentials(access, signal, { endpoint, now });
  if (got.ok) throw new Error("taken");
  expect(got.refusal.code).toBe("registry-auth-refused");
  expect(got.refusal.message).toContain("UnrecognizedClientException: The token is invalid.");
  expect(JSON.stringify(got)).not.toContain("wJalr");
});

test("a service that fails, is away or talks nonsense is not", async () => {
  answer = { status: 503, body: {} };
  await expect(ecrCredentials(access, signal, { endpoint })).rejects.toMatchObject({
    code: "registry-unreachable",
  });
  answer = { status: 200, body: { authorizationData: [{ authorizationToken: "!" }] } };
  await expect(ecrCredentials(access, signal, { endpoint })).rejects.toMatchObject({
    code: "registry-answer",
  });
  answer = { status: 200, body: null };
  await expect(ecrCredentials(access, signal, { endpoint })).rejects.toMatchObject({
    code: "registry-answer",
  });
  const away = async () => Promise.reject(new TypeError("fetch failed"));
  await expect(ecrCredentials(access, signal, { fetch: away })).rejects.toThrow(
    "api.ecr.eu-west-1.amazonaws.com",
  );
});

test("a region that is none never becomes part of a host's name", async () => {
  const got = await ecrCredentials({ ...access, region: "x.evil.example/" }, signal);
  expect(got).toMatchObject({ ok: false, refusal: { code: "registry-auth-refused" } });
});
