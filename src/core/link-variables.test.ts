import { expect, test } from "vitest";
import { linkVariables, parseExposedPort } from "./link-variables.ts";

test("a service is described by name, ports and environment, the lowest port first", () => {
  const variables = linkVariables({
    runId: "r1",
    alias: "my-db",
    ip: "172.18.0.2",
    exposedPorts: [
      { port: 5432, protocol: "tcp" },
      { port: 53, protocol: "UDP" },
      { port: 53, protocol: "tcp" },
      { port: 5432, protocol: "tcp" },
    ],
    environment: [
      { name: "POSTGRES_USER", value: "me" },
      { name: "PATH", value: "/bin" },
    ],
  });
  expect(variables.map(({ name, value }) => `${name}=${value}`)).toEqual([
    "MY_DB_NAME=/wercker-pipeline-r1/my_db",
    "MY_DB_PORT=tcp://172.18.0.2:53",
    "MY_DB_PORT_53_TCP=tcp://172.18.0.2:53",
    "MY_DB_PORT_53_TCP_ADDR=172.18.0.2",
    "MY_DB_PORT_53_TCP_PORT=53",
    "MY_DB_PORT_53_TCP_PROTO=tcp",
    "MY_DB_PORT_53_UDP=udp://172.18.0.2:53",
    "MY_DB_PORT_53_UDP_ADDR=172.18.0.2",
    "MY_DB_PORT_53_UDP_PORT=53",
    "MY_DB_PORT_53_UDP_PROTO=udp",
    "MY_DB_PORT_5432_TCP=tcp://172.18.0.2:5432",
    "MY_DB_PORT_5432_TCP_ADDR=172.18.0.2",
    "MY_DB_PORT_5432_TCP_PORT=5432",
    "MY_DB_PORT_5432_TCP_PROTO=tcp",
    "MY_DB_ENV_POSTGRES_USER=me",
    "MY_DB_ENV_PATH=/bin",
  ]);
});

test("without exposed ports there is no port variable, and dots of the alias stay", () => {
  const variables = linkVariables({ runId: "r", alias: "a.b", ip: "::1", exposedPorts: [], environment: [] });
  expect(variables).toEqual([{ name: "A.B_NAME", value: "/wercker-pipeline-r/a.b" }]);
});

test("an IPv6 address is bracketed in front of a port", () => {
  const exposedPorts = [{ port: 1, protocol: "tcp" }];
  const variables = linkVariables({ runId: "r", alias: "a", ip: "fd00::2", exposedPorts, environment: [] });
  expect(variables[1]).toEqual({ name: "A_PORT", value: "tcp://[fd00::2]:1" });
});

test("ports as a daemon writes them", () => {
  expect(parseExposedPort("6379/tcp")).toEqual({ port: 6379, protocol: "tcp" });
  expect(parseExposedPort("53/UDP")).toEqual({ port: 53, protocol: "udp" });
  expect(parseExposedPort("80")).toEqual({ port: 80, protocol: "tcp" });
  expect(parseExposedPort("80-90/tcp")).toBeUndefined();
});
