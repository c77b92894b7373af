// What the internal steps do through the daemon that runs the box: commit, build, push, save, load, and containers
// beside it.

import { accept, type Result, refuse, SlipwayError } from "../../core/failure.ts";
import type { EngineRequest, PortMapping, RegistryCredentials } from "../engine.ts";
import type { BuildRequest, ImageTools, RunRequest } from "../image-tools.ts";
import { commitBox } from "./commit.ts";
import { createContainer, removeContainer, startContainer } from "./container-calls.ts";
import { labelsOf, type RunIdentity, safeName } from "./container-names.ts";
import { type CreateContainer, endpoint } from "./container-spec.ts";
import { type DaemonClient, DaemonError } from "./daemon-client.ts";
import { imageExists, imagePath, pullImage, splitImage } from "./image-calls.ts";
import { imageNotHere, imageRefusal } from "./image-refusal.ts";
import { followProgress } from "./progress.ts";
import {
  type FindLogin,
  loginOf,
  type RegistryLogin,
  registryAuthHeader,
  registryConfigHeader,
} from "./registry-auth.ts";
import type { Remains } from "./remains.ts";
import { startRefusal } from "./start-refusal.ts";

export interface ImageToolsInput {
  client: DaemonClient;
  boxId: string;
  request: EngineRequest;
  identity: RunIdentity;
  network: string;
  remains: Remains;
  options: { findLogin: FindLogin };
}

export function dockerImageTools(input: ImageToolsInput): ImageTools {
  const { client } = input;
  return {
    exists: image => imageExists(client, image),
    async pull(image, credentials, progress, signal) {
      const login = await loginFor(input, image, credentials);
      return await orRefusal(image, login, signal, () => pullImage(client, image, login, progress, signal));
    },
    commit: (name, config, signal) =>
      commitBox({ client, id: input.boxId, cmd: input.request.box.cmd }, name, config, signal),
    async tag(image, name) {
      const { repository, tag = "latest" } = splitImage(name);
      const path = `/images/${imagePath(image)}/tag`;
      await client.call({ method: "POST", path, query: { repo: repository, tag } });
    },
    async push(image, credentials, progress, signal) {
      const login = await loginFor(input, image, credentials);
      return await orRefusal(image, login, signal, () => push(client, image, login, progress, signal));
    },
    async remove(image) {
      await client.call({ method: "DELETE", path: `/images/${imagePath(image)}` });
    },
    async save(image, signal) {
      const answer = await client.open({ method: "GET", path: `/images/${imagePath(image)}/get`, signal });
      return answer.body;
    },
    load: (archive, progress, signal) => load(client, archive, progress, signal),
    build: (request, progress, signal) => build(input, request, progress, signal),
    run: (request, progress, signal) => run(input, request, progress, signal),
    kill: name => kill(input, name),
  };
}

async function loginFor(
  input: ImageToolsInput,
  image: string,
  credentials: RegistryCredentials | undefined,
): Promise<RegistryLogin | undefined> {
  return credentials === undefined ? await input.options.findLogin(image) : loginOf(credentials);
}

async function orRefusal(
  image: string,
  login: RegistryLogin | undefined,
  signal: AbortSignal,
  act: () => Promise<void>,
): Promise<Result<void>> {
  try {
    await act();
    return accept(undefined);
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, refusal: imageRefusal(error, image, login !== undefined) };
  }
}

async function push(
  client: DaemonClient,
  image: string,
  login: RegistryLogin | undefined,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { repository, tag = "latest" } = splitImage(image);
  const answer = await client.open({
    method: "POST",
    path: `/images/${imagePath(repository)}/push`,
    query: { tag },
    headers: registryAuthHeader(login),
    signal,
  });
  await followProgress(answer.body, progress);
}

async function load(
  client: DaemonClient,
  archive: AsyncIterable<Uint8Array>,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<Result<void>> {
  try {
    const answer = await client.open({
      method: "POST",
      path: "/images/load",
      query: { quiet: true },
      upload: archive,
      signal,
    });
    await followProgress(answer.body, progress);
    return accept(undefined);
  } catch (error) {
    signal.throwIfAborted();
    return refusedBy(error, "image-not-loaded", "the archive is not one that the container daemon can load");
  }
}

/** The daemon's own words as a refusal; everything else is thrown. */
function refusedBy(error: unknown, code: string, what: string): Result<void> {
  const text =
    error instanceof DaemonError ? error.text : error instanceof SlipwayError ? error.message : undefined;
  const itsOwn =
    error instanceof DaemonError || (error instanceof SlipwayError && error.code === "registry-answer");
  if (!itsOwn) throw error;
  return refuse(code, `${what}: ${text}`);
}

async function build(
  input: ImageToolsInput,
  request: BuildRequest,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<Result<void>> {
  try {
    const answer = await input.client.open({
      method: "POST",
      path: "/build",
      query: {
        t: request.tag,
        dockerfile: request.dockerfile,
        buildargs: JSON.stringify(request.buildArgs),
        labels: JSON.stringify(request.labels),
        extrahosts: extraHosts(input.client, request.extraHosts),
        q: request.quiet,
        nocache: request.noCache,
        squash: request.squash,
        pull: request.pull ? "1" : undefined,
        rm: !request.keepIntermediate,
        forcerm: !request.keepIntermediate,
        networkmode: input.network,
      },
      headers: registryConfigHeader(request.credentials.map(loginOf)),
      upload: request.context,
      signal,
    });
    await followProgress(answer.body, progress);
    return accept(undefined);
  } catch (error) {
    signal.throwIfAborted();
    return refusedBy(error, "build-failed", `image ${request.tag} could not be built`);
  }
}

/** Docker takes the parameter once for each, Podman once with all as JSON. */
function extraHosts(client: DaemonClient, hosts: string[]): string | string[] | undefined {
  if (hosts.length === 0) return undefined;
  return client.info.product === "podman" ? JSON.stringify(hosts) : hosts;
}

/** `[[hostip:]hostport:]containerport[/proto]`; one number is the same on both sides. Undefined where it is not that. */
function parsePort(text: string): PortMapping | undefined {
  const match = /^(?:(?:(\[[0-9a-fA-F:]+\]|[^:]*):)?(\d*):)?(\d+)(?:\/(tcp|udp))?$/.exec(text);
  if (match === null) return undefined;
  const [, ip = "", host = "", container = "", protocol = "tcp"] = match;
  const containerPort = Number(container);
  const hostPort = host === "" ? containerPort : Number(host);
  if (containerPort < 1 || containerPort > 65_535 || hostPort > 65_535) return undefined;
  return {
    ...(ip === "" ? {} : { hostIp: ip.replace(/^\[|\]$/g, "") }),
    hostPort,
    containerPort,
    protocol: protocol === "udp" ? "udp" : "tcp",
  };
}

/** The body of the create call of a container beside the box. Pure. */
function stepContainerBody(
  request: RunRequest,
  ports: PortMapping[],
  input: Pick<ImageToolsInput, "identity" | "network" | "request">,
): CreateContainer {
  const keys = ports.map(port => [`${port.containerPort}/${port.protocol}`, port] as const);
  const bindings = Object.fromEntries(
    keys.map(([key, port]) => [key, [{ HostIp: port.hostIp ?? "", HostPort: String(port.hostPort ?? "") }]]),
  );
  return {
    Image: request.image,
    ...(request.cmd === undefined ? {} : { Cmd: request.cmd }),
    ...(request.entrypoint === undefined ? {} : { Entrypoint: request.entrypoint }),
    Env: request.env,
    ...(request.workingDir === undefined ? {} : { WorkingDir: request.workingDir }),
    Labels: labelsOf(input.identity, "step"),
    ...(keys.length === 0 ? {} : { ExposedPorts: Object.fromEntries(keys.map(([key]) => [key, {}])) }),
    StopTimeout: 1,
    HostConfig: {
      NetworkMode: input.network,
      RestartPolicy: { Name: "no" },
      LogConfig: { Type: "json-file", Config: { "max-size": "10m" } },
      ...(input.request.exposePorts && keys.length > 0 ? { PortBindings: bindings } : {}),
    },
    NetworkingConfig: endpoint(input.network, request.name),
  };
}

async function run(
  input: ImageToolsInput,
  request: RunRequest,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<Result<void>> {
  const { client, remains } = input;
  const ports: PortMapping[] = [];
  for (const text of request.ports) {
    const port = parsePort(text);
    if (port === undefined) {
      return refuse(
        "bad-port",
        `"${text}" is not a port`,
        "write it as 80, 8080:80 or 127.0.0.1:8080:80/tcp",
      );
    }
    ports.push(port);
  }
  const there = await haveRunImage(input, request, progress, signal);
  if (!there.ok) return there;
  const name = containerName(input, request.name);
  try {
    const body = stepContainerBody(request, ports, input);
    const id = await remains.container(name, () => createContainer(client, name, body));
    await startContainer(client, id);
    return accept(undefined);
  } catch (error) {
    if (error instanceof DaemonError && isTaken(error)) {
      return refuse("name-taken", `a container ${request.name} was started already`, "choose another name");
    }
    const spec = { image: request.image, shownImage: request.image, alias: request.name };
    const refusal = startRefusal(error, { ...spec, env: [], ports: [], volumes: [] }, request.name);
    await drop(input, name);
    if (refusal === undefined) throw error;
    return { ok: false, refusal };
  }
}

async function haveRunImage(
  input: ImageToolsInput,
  request: RunRequest,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<Result<void>> {
  const { client } = input;
  signal.throwIfAborted();
  if (await imageExists(client, request.image)) return accept(undefined);
  if (input.request.pull === "never") return { ok: false, refusal: imageNotHere(request.image) };
  const login = await loginFor(input, request.image, request.credentials);
  return await orRefusal(request.image, login, signal, () =>
    pullImage(client, request.image, login, progress, signal),
  );
}

function containerName(input: ImageToolsInput, name: string): string {
  return safeName(`${input.request.runId}${name}`);
}

/** Podman says it with a 500. */
function isTaken(error: DaemonError): boolean {
  return error.status === 409 || /name .* is already in use/i.test(error.text);
}

async function drop(input: ImageToolsInput, container: string): Promise<void> {
  await removeContainer(input.client, container, AbortSignal.timeout(20_000));
  input.remains.forget(container);
}

async function kill(input: ImageToolsInput, name: string): Promise<Result<void>> {
  const container = containerName(input, name);
  if (!input.remains.list().includes(`container ${container}`)) {
    return refuse(
      "no-such-container",
      `no container ${name} was started`,
      "docker-run starts it, in this pipeline",
    );
  }
  await drop(input, container);
  return accept(undefined);
}
