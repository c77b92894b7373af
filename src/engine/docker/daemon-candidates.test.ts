import { expect, test } from "vitest";
import { daemonAddressText, parseDaemonAddress } from "./daemon-address.ts";
import { type DaemonSettings, type DockerContext, daemonCandidates } from "./daemon-candidates.ts";

const linux: DaemonSettings = {
  tlsVerify: false,
  configDirectory: "/home/me/.docker",
  home: "/home/me",
  runtimeDirectory: "/run/user/1000",
  platform: "linux",
};

function addresses(settings: DaemonSettings, currentContext?: string, contexts: DockerContext[] = []) {
  const files = { contexts, ...(currentContext === undefined ? {} : { currentContext }) };
  const { candidates, wrong } = daemonCandidates(settings, files);
  return { asked: candidates.map(each => daemonAddressText(each.address)), candidates, wrong };
}

test("without a word of anyone, the usual sockets are asked in order", () => {
  expect(addresses(linux).asked).toEqual([
    "unix:///var/run/docker.sock",
    "unix:///home/me/.docker/run/docker.sock",
    "unix:///home/me/.docker/desktop/docker.sock",
    "unix:///run/user/1000/docker.sock",
    "unix:///home/me/.orbstack/run/docker.sock",
    "unix:///home/me/.colima/default/docker.sock",
    "unix:///home/me/.colima/docker.sock",
    "unix:///home/me/.rd/docker.sock",
    "unix:///run/podman/podman.sock",
    "unix:///run/user/1000/podman/podman.sock",
    "unix:///home/me/.local/share/containers/podman/machine/podman.sock",
  ]);
});

test("DOCKER_HOST is the only one asked", () => {
  const { candidates } = addresses({ ...linux, dockerHost: "tcp://10.0.0.1:2375" }, "other");
  expect(candidates).toMatchObject([
    { source: "DOCKER_HOST", decisive: true, address: { kind: "tcp", host: "10.0.0.1", port: 2375 } },
  ]);
});

test("DOCKER_HOST that is no address is told, and nothing else is asked", () => {
  const { candidates, wrong } = addresses({ ...linux, dockerHost: "/var/run/docker.sock" });
  expect(candidates).toEqual([]);
  expect(wrong).toMatchObject([{ source: "DOCKER_HOST", address: "/var/run/docker.sock" }]);
});

test("DOCKER_CERT_PATH and DOCKER_TLS_VERIFY secure a TCP address", () => {
  const settings = { ...linux, dockerHost: "tcp://h:2376", certPath: "/certs", tlsVerify: true };
  expect(addresses(settings).candidates[0]?.address).toMatchObject({
    tls: { ca: "/certs/ca.pem", cert: "/certs/cert.pem", key: "/certs/key.pem", verify: true },
  });
  const inHome = addresses({ ...linux, dockerHost: "tcp://h:2376", tlsVerify: true });
  expect(inHome.candidates[0]?.address).toMatchObject({ tls: { ca: "/home/me/.docker/ca.pem" } });
});

test("the current context comes first, the usual sockets after it", () => {
  const contexts = [
    { name: "desktop-linux", host: "unix:///home/me/.docker/desktop/docker.sock", skipTlsVerify: false },
  ];
  const { asked, candidates } = addresses(linux, "desktop-linux", contexts);
  expect(asked[0]).toBe("unix:///home/me/.docker/desktop/docker.sock");
  expect(asked[1]).toBe("unix:///var/run/docker.sock");
  expect(new Set(asked).size).toBe(asked.length);
  expect(candidates[0]).toMatchObject({ decisive: false, virtual: true });
});

test("the context `default` means the usual sockets", () => {
  expect(addresses(linux, "default").asked).toEqual(addresses(linux).asked);
});

test("a context that DOCKER_CONTEXT names is the only one asked, with its own certificates", () => {
  const contexts = [{ name: "far", host: "tcp://far:2376", skipTlsVerify: false }];
  const { candidates } = addresses({ ...linux, dockerContext: "far" }, "default", contexts);
  expect(candidates).toHaveLength(1);
  expect(candidates[0]).toMatchObject({ decisive: true, source: "docker context far" });
  expect(candidates[0]?.address).toMatchObject({
    tls: {
      ca: expect.stringMatching(/^\/home\/me\/\.docker\/contexts\/tls\/[0-9a-f]{64}\/docker\/ca\.pem$/),
    },
  });
});

test("a context that is not there is told", () => {
  const { candidates, wrong } = addresses({ ...linux, dockerContext: "gone" });
  expect(candidates).toEqual([]);
  expect(wrong).toMatchObject([{ source: "docker context gone", reason: "there is no such context" }]);
});

test("on a Mac every socket leads into a virtual machine", () => {
  const { candidates } = addresses({ ...linux, platform: "darwin" });
  expect(candidates.every(candidate => candidate.virtual)).toBe(true);
});

test.each([
  "unix:///var/run/docker.sock",
  "tcp://127.0.0.1:2375",
  "tcp://[::1]:2375",
  "ssh://me@build.example",
  "ssh://build.example:2222",
])("%s is read and written the same", text => {
  const address = parseDaemonAddress(text);
  expect(address.ok && daemonAddressText(address.value)).toBe(text);
});

test.each([
  "",
  "docker.sock",
  "unix://relative",
  "tcp://",
  "npipe:////./pipe/docker_engine",
  "ssh://-oProxyCommand=x",
])("%s is refused", text => {
  expect(parseDaemonAddress(text)).toMatchObject({ ok: false, refusal: { code: "daemon-address" } });
});

test("ports that are left out are Docker's", () => {
  const portOf = (text: string, tls?: { verify: boolean }) => {
    const address = parseDaemonAddress(text, tls);
    return address.ok && address.value.kind === "tcp" ? address.value.port : undefined;
  };
  expect(portOf("tcp://h")).toBe(2375);
  expect(portOf("tcp://h", { verify: true })).toBe(2376);
  expect(portOf("https://h")).toBe(443);
});
