import { expect, test } from "vitest";
import { proxyOf, setUpNetwork } from "./network.ts";

test("without a proxy nothing is set up", () => {
  expect(proxyOf({ NO_PROXY: "x", HTTP_PROXY: "" }, [])).toBeUndefined();
});

test("this machine and our own addresses are never reached through a proxy", () => {
  const environment = { HTTPS_PROXY: "http://proxy:3128", no_proxy: "internal.example" };
  expect(proxyOf(environment, ["https://ci.example.org:8443/x", undefined])).toEqual({
    https_proxy: "http://proxy:3128",
    no_proxy: "internal.example,localhost,127.0.0.1,::1,ci.example.org",
  });
});

test("small letters go before capitals", () => {
  expect(proxyOf({ http_proxy: "http://a", HTTP_PROXY: "http://b" }, [])).toMatchObject({
    http_proxy: "http://a",
  });
});

test("a file without certificates is refused", () => {
  for (const caFile of ["/nowhere/ca.pem", import.meta.filename]) {
    expect(() => setUpNetwork({ caFile, environment: {}, ownUrls: [] })).toThrow(caFile);
  }
});
