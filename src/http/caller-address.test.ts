import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { createCallerAddress, isNetwork } from "./caller-address.ts";

const from = (remoteAddress: string, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: { "x-forwarded-for": forwarded } }) as unknown as IncomingMessage;

test.each<[string, string | undefined, string, string]>([
  ["203.0.113.7", "198.51.100.1", "203.0.113.7", "a stranger's word counts for nothing"],
  ["10.0.0.5", undefined, "10.0.0.5", "a proxy that says nothing"],
  ["10.0.0.5", "198.51.100.1", "198.51.100.1", "whom our proxy has heard"],
  ["::ffff:10.0.0.5", "198.51.100.1", "198.51.100.1", "our proxy over an IPv6 socket"],
  ["10.0.0.5", "192.0.2.9, 198.51.100.1", "198.51.100.1", "what the caller has written itself stands before"],
  ["10.0.0.5", "198.51.100.1, 10.0.0.9", "198.51.100.1", "two proxies of ours"],
  ["10.0.0.5", "10.0.0.9", "10.0.0.9", "nobody but proxies"],
  ["10.0.0.5", "unknown", "10.0.0.5", "no address"],
  ["10.0.0.5", "198.51.100.1, ,", "10.0.0.5", "an empty end"],
  ["fd00::5", "2001:db8::1", "2001:db8::1", "IPv6"],
  ["10.0.0.5", "::ffff:198.51.100.1", "198.51.100.1", "IPv4 as IPv6"],
])("%s, forwarded for %s: %s (%s)", (peer, forwarded, address, _) => {
  expect(createCallerAddress(["10.0.0.0/8", "fd00::/8"])(from(peer, forwarded))).toBe(address);
});

test("without proxies the connection's address counts", () => {
  expect(createCallerAddress([])(from("127.0.0.1", "198.51.100.1"))).toBe("127.0.0.1");
});

test("networks are addresses with or without their bits", () => {
  for (const good of ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "0.0.0.0/0"])
    expect(isNetwork(good), good).toBe(true);
  for (const bad of [
    "",
    "host",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "::/129",
    "10.0.0",
    "10.0.0.0/-1",
  ])
    expect(isNetwork(bad), bad).toBe(false);
});
