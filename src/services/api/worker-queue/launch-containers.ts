// What stands in a Pod: the job's box and services with every `$VAR` resolved, as the runner itself resolves them. What
// containers of a Pod cannot have is refused here, before a worker hears of it.

import { accept, type Refusal, type Result } from "../../../core/failure.ts";
import type { BoxSpec, EnvEntry, Job } from "../../../core/job.ts";
import { Secret } from "../../../core/secret.ts";
import { boxContainer, type ContainerPlan, type PlannedContainer } from "../../../plan/container-spec.ts";
import { lookupIn, pipelineEnvironment } from "../../../plan/environment.ts";
import { type Lookup, parseTemplate } from "../../../plan/expand.ts";
import type { LaunchContainer, LaunchContainers } from "../../../queue/queue.ts";

type EcrAccess = Extract<ContainerPlan["access"], { kind: "ecr" }>;

/** Asks Amazon for the user and password behind an access key. */
export type EcrLogin = (access: EcrAccess) => Promise<Result<NonNullable<PlannedContainer["credentials"]>>>;

/** Where steps see things; the same in every box. */
const paths = { pipeline: "/pipeline", report: "/report" };

/** `secrets`: values of `job.secrets`. Throws what `ecr` throws. */
export async function launchContainers(
  job: Job,
  secrets: readonly EnvEntry[],
  ecr: EcrLogin,
): Promise<LaunchContainers | { refusal: Refusal }> {
  const impossible = refusalOfPod(job);
  if (impossible !== undefined) return { refusal: impossible };
  const values = new Map(secrets.map(({ name, value }) => [name, new Secret(value)]));
  const environment = pipelineEnvironment(job, paths);
  const lookup = lookupIn(environment, values);
  // A plain variable stands before a protected one of its name.
  const visible = new Set(environment.map(({ name }) => name));
  const hidden = new Map(
    secrets.filter(({ name }) => !visible.has(name)).map(({ name, value }) => [name, value]),
  );
  const resolve = (kind: "box" | "service", spec: BoxSpec) =>
    containerOf(kind, spec, { lookup, hidden, protectedValues: secrets.map(({ value }) => value), ecr });
  const box = await resolve("box", job.box);
  if (!box.ok) return { refusal: box.refusal };
  const services: LaunchContainer[] = [];
  for (const spec of job.services) {
    const service = await resolve("service", spec);
    if (!service.ok) return { refusal: service.refusal };
    services.push(service.value);
  }
  return {
    box: box.value,
    services,
    ...(job.basePath === undefined ? {} : { basePath: job.basePath }),
    ...(job.resources === undefined ? {} : { resources: job.resources }),
  };
}

interface Resolving {
  lookup: Lookup;
  /** Protected values by name. */
  hidden: ReadonlyMap<string, string>;
  protectedValues: readonly string[];
  ecr: EcrLogin;
}

async function containerOf(
  kind: "box" | "service",
  spec: BoxSpec,
  resolving: Resolving,
): Promise<Result<LaunchContainer>> {
  const planned = boxContainer(spec, { kind, lookup: resolving.lookup });
  if (!planned.ok) return planned;
  const { container, access } = planned.value;
  const login = access.kind === "ecr" ? await resolving.ecr(access) : undefined;
  if (login !== undefined && !login.ok) return login;
  const credentials = login?.value ?? container.credentials;
  const { image, shownImage, alias, cmd, entrypoint, ready, ports } = container;
  const protectedNames = namesOfProtected(spec, resolving.hidden);
  return accept({
    image,
    shownImage,
    alias,
    ...(cmd === undefined ? {} : { cmd }),
    ...(entrypoint === undefined ? {} : { entrypoint }),
    env: container.env.map(({ name, value }) => ({
      name,
      value,
      secret: protectedNames.has(name) || holdsProtected(value, resolving.protectedValues),
    })),
    ports: ports.map(({ containerPort, protocol }) => ({ containerPort, protocol })),
    ...(ready === undefined ? {} : { ready }),
    ...(credentials === undefined
      ? {}
      : {
          credentials: {
            username: credentials.username,
            password: credentials.password.reveal(),
            server: credentials.server,
          },
        }),
  });
}

/** Variables of a container whose text names a protected one, however short its value is. */
function namesOfProtected(spec: BoxSpec, hidden: ReadonlyMap<string, string>): Set<string> {
  const named = spec.env.filter(({ value }) =>
    parseTemplate(value).some(part => "variable" in part && hidden.has(part.variable)),
  );
  return new Set(named.map(({ name }) => name.toUpperCase()));
}

/** A line of a key says as much as the key; shorter pieces stand in texts by chance. */
const tellingLength = 8;

function holdsProtected(value: string, protectedValues: readonly string[]): boolean {
  return protectedValues.some(secret => {
    if (secret === "") return false;
    if (value.includes(secret)) return true;
    const lines = secret.split(/\r?\n/).map(line => line.trim());
    return lines.some(line => line.length >= tellingLength && value.includes(line));
  });
}

function refusalOfPod(job: Job): Refusal | undefined {
  const boxes = [job.box, ...job.services];
  if (job.docker) {
    return no(
      "docker: true needs a Docker daemon, and a Pod has none",
      "Name a class that runs with Docker.",
    );
  }
  if (boxes.some(({ volumes = "" }) => volumes !== "")) {
    return no(
      "volumes are directories of the host, and a Pod has none",
      "Take them out, or name a class that runs with Docker.",
    );
  }
  const mapped = boxes.flatMap(({ ports }) => ports).find(port => port.includes(":"));
  if (mapped !== undefined) {
    return no(
      `a Pod has no ports of the host, as ${mapped} asks for`,
      "Write the container's port alone, or name a class that runs with Docker.",
    );
  }
  const project = job.services.find(({ url = "" }) => url !== "");
  if (project === undefined) return undefined;
  return {
    code: "service-url",
    message: `The service ${project.url} is a project of its own, which is built on a laptop only.`,
    hint: "Give the service an image.",
  };

  function no(what: string, hint: string): Refusal {
    return { code: "not-in-a-pod", message: `Pipeline ${job.pipeline} cannot run as a Pod: ${what}.`, hint };
  }
}
