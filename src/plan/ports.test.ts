import fc from "fast-check";
import { expect, test } from "vitest";
import { type PortMapping, parsePort, parsePorts } from "./ports.ts";

test.each<[string, PortMapping]>([
  ["80", { hostPort: 80, containerPort: 80, protocol: "tcp" }],
  ["80/udp", { hostPort: 80, containerPort: 80, protocol: "udp" }],
  ["8080:80", { hostPort: 8080, containerPort: 80, protocol: "tcp" }],
  ["0:80", { hostPort: 0, containerPort: 80, protocol: "tcp" }],
  ["127.0.0.1:8080:80/TCP", { hostIp: "127.0.0.1", hostPort: 8080, containerPort: 80, protocol: "tcp" }],
  ["127.0.0.1::80", { hostIp: "127.0.0.1", hostPort: 80, containerPort: 80, protocol: "tcp" }],
  ["[::1]:8080:80", { hostIp: "::1", hostPort: 8080, containerPort: 80, protocol: "tcp" }],
  [" 80 ", { hostPort: 80, containerPort: 80, protocol: "tcp" }],
])("%s is %j", (text, port) => {
  expect(parsePort(text)).toEqual({ ok: true, value: port });
});

test.each([
  "",
  "a",
  "0",
  "65536",
  "70000:80",
  ":80",
  "80:",
  "1:2:3:4",
  "80/sctp",
  "80-90",
  "-1",
  "8 0",
  "$PORT",
])("%j is no port", text => {
  const result = parsePort(text);
  expect(result.ok).toBe(false);
  expect(result.ok || result.refusal.message).toBe(`"${text}" is not a port.`);
});

test("the first wrong one refuses the list", () => {
  expect(parsePorts(["80", "x", "y"])).toMatchObject({
    ok: false,
    refusal: { message: '"x" is not a port.' },
  });
  expect(parsePorts([])).toEqual({ ok: true, value: [] });
});

test("no text makes a port out of its range", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."0123456789:./[]tcpud") }), text => {
      const result = parsePort(text);
      if (!result.ok) return;
      expect(result.value.containerPort).toBeGreaterThan(0);
      expect(Math.max(result.value.containerPort, result.value.hostPort!)).toBeLessThan(65536);
    }),
  );
});
