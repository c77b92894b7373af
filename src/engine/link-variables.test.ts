import { expect, test } from "vitest";
import { linkVariables } from "./link-variables.ts";

test("a service is described as container links did it", () => {
  const variables = linkVariables({
    runId: "5f0",
    alias: "my-db.main",
    ip: "10.0.0.3",
    ports: [
      { containerPort: 9000, protocol: "udp" },
      { containerPort: 5432, protocol: "tcp" },
    ],
    env: [{ name: "PGDATA", value: "/data" }],
  });
  expect(variables.map(({ name, value }) => `${name}=${value}`)).toEqual([
    "MY_DB.MAIN_NAME=/wercker-pipeline-5f0/my_db.main",
    "MY_DB.MAIN_PORT=tcp://10.0.0.3:5432",
    "MY_DB.MAIN_PORT_5432_TCP=tcp://10.0.0.3:5432",
    "MY_DB.MAIN_PORT_5432_TCP_ADDR=10.0.0.3",
    "MY_DB.MAIN_PORT_5432_TCP_PORT=5432",
    "MY_DB.MAIN_PORT_5432_TCP_PROTO=tcp",
    "MY_DB.MAIN_PORT_9000_UDP=udp://10.0.0.3:9000",
    "MY_DB.MAIN_PORT_9000_UDP_ADDR=10.0.0.3",
    "MY_DB.MAIN_PORT_9000_UDP_PORT=9000",
    "MY_DB.MAIN_PORT_9000_UDP_PROTO=udp",
    "MY_DB.MAIN_ENV_PGDATA=/data",
  ]);
});

test("a service without ports has a name only", () => {
  const variables = linkVariables({ runId: "1", alias: "q", ip: "1.1.1.1", ports: [], env: [] });
  expect(variables).toEqual([{ name: "Q_NAME", value: "/wercker-pipeline-1/q" }]);
});
