import { expect, test } from "vitest";
import { localUrl, publicUrl } from "./addresses.ts";

const at = (url: string) => ({ url, port: Number(new URL(url).port), [Symbol.asyncDispose]: async () => {} });

test("what is told holds for people; else the listener's address, with a name where it listens everywhere", () => {
  expect(publicUrl({ url: "https://ci.example.org" }, at("http://0.0.0.0:8080"), "here")).toBe(
    "https://ci.example.org",
  );
  expect(publicUrl({}, at("http://127.0.0.1:8080"), "here")).toBe("http://127.0.0.1:8080");
  expect(publicUrl({}, at("http://[::]:8080"), "here")).toBe("http://here:8080");
  expect(publicUrl({}, at("http://0.0.0.0:8080"), "here")).toBe("http://here:8080");
});

test("this machine goes by loopback, or by the name that the certificate is for", () => {
  expect(localUrl({}, at("http://0.0.0.0:8081"))).toBe("http://127.0.0.1:8081");
  expect(localUrl({}, at("http://[::]:8081"))).toBe("http://[::1]:8081");
  expect(localUrl({ url: "https://ci.example.org" }, at("http://10.0.0.1:8081"))).toBe(
    "http://10.0.0.1:8081",
  );
  const told = { url: "https://ci.example.org/x", tlsCert: "/cert.pem" };
  expect(localUrl(told, at("https://127.0.0.1:8443"))).toBe("https://ci.example.org:8443");
});
