// Puts into claims what a worker in a cluster needs of each job to make a Pod of it, with one look at the tables for all of
// them. Other workers get none of it: what is secret leaves the api only where something cannot be had without.

import { messageOf, SlipwayError } from "../../../core/failure.ts";
import type { Job } from "../../../core/job.ts";
import type { Claim, LaunchEnd } from "../../../queue/queue.ts";
import type { Queryable } from "../../../store/database.ts";
import type { SecretBox } from "../../../store/secret-box.ts";
import { chosenVariables, type VariableRow } from "../../../store/variables.ts";
import { jobWithValues, openedEntries } from "../runner/job-with-values.ts";
import { type EcrLogin, launchContainers } from "./launch-containers.ts";

export interface ResolverOptions {
  db: Queryable;
  box: SecretBox;
  /** Amazon itself unless told. */
  ecr?: EcrLogin;
}

export interface ResolvedClaims {
  /** Those that cannot be handed out: the key of a secret is gone, Amazon cannot be asked. The others are whole. */
  broken: { claim: Claim; end: LaunchEnd }[];
}

/** Amazon has so long to answer. Milliseconds. */
const ecrMs = 5000;

/** All jobs of a worker's claims, each with the variables of its scopes, widest first. */
export const materialsStatement = `
  select job.id, job.spec, job.trusted and run.trusted as trusted, job.literal_secrets as literals,
    run.trigger_variables as trigger, run.branch, run.event,
    case when job.trusted and run.trusted then (
      select json_agg(json_build_object('name', variables.name, 'protected', variables.protected,
          'value', encode(variables.value, 'base64'), 'branches', variables.branches, 'events', variables.events)
        order by variables.project_id is not null, variables.pipeline is not null, variables.name)
      from variables where variables.organisation_id = job.organisation_id
        and (variables.project_id is null or variables.project_id = job.project_id)
        and (variables.pipeline is null or variables.pipeline = job.pipeline)
    ) end as variables
  from jobs job join runs run on run.id = job.run_id where job.id = any($1)`;

interface MaterialsRow {
  id: string;
  spec: Job;
  trusted: boolean;
  literals: Buffer | null;
  trigger: Buffer | null;
  branch: string | null;
  event: string;
  variables: (Omit<VariableRow, "value" | "branch" | "event"> & { value: string })[] | null;
}

/** Claims without a token are of runners that were launched already, and stay as they are. */
export async function resolveContainers(
  { db, box, ecr = askAmazon }: ResolverOptions,
  claims: readonly Claim[],
): Promise<ResolvedClaims> {
  const wanted = claims.filter(({ claimToken }) => claimToken !== "");
  const rows = wanted.length === 0 ? [] : await rowsOf(db, wanted);
  const byJob = new Map(rows.map(row => [row.id, row]));
  const resolved: ResolvedClaims = { broken: [] };
  await Promise.all(
    wanted.map(async claim => {
      try {
        const row = byJob.get(claim.jobId);
        if (row === undefined) throw new SlipwayError("job-gone", `job ${claim.jobId} is not there any more`);
        const { job, secrets } = withValues(row, claim.attemptId, box);
        claim.launch = { ...claim.launch, containers: await launchContainers(job, secrets, ecr) };
      } catch (error) {
        if (!(error instanceof SlipwayError)) throw error;
        resolved.broken.push({ claim, end: endOf(error) });
      }
    }),
  );
  return resolved;
}

function rowsOf(db: Queryable, claims: readonly Claim[]): Promise<MaterialsRow[]> {
  return db.query<MaterialsRow>(materialsStatement, [claims.map(({ jobId }) => jobId)]);
}

function withValues(row: MaterialsRow, attemptId: string, box: SecretBox) {
  const { branch, event } = row;
  const variables = row.trusted ? (row.variables ?? []) : [];
  const rows = variables.map(each => ({ ...each, value: Buffer.from(each.value, "base64"), branch, event }));
  return jobWithValues(row.spec, {
    attemptId,
    given: chosenVariables(rows, box),
    trigger: openedEntries(box, row.trigger),
    literals: openedEntries(box, row.literals),
  });
}

function endOf(error: SlipwayError): LaunchEnd {
  const hint = error.hint === undefined ? "" : `\n${error.hint}`;
  const message = `the job could not be handed to a worker: ${messageOf(error)}${hint}`;
  return { outcome: "broken", reason: error.code, message };
}

const askAmazon: EcrLogin = async access => {
  const { ecrCredentials } = await import("../../../steps/internal/ecr-token.ts");
  const signal = AbortSignal.timeout(ecrMs);
  try {
    return await ecrCredentials(access, signal);
  } catch (cause) {
    if (cause instanceof SlipwayError) throw cause;
    throw new SlipwayError("ecr-unreachable", `Amazon ECR in ${access.region} did not answer`, {
      cause,
      hint: "try again; nodes with a role of their own need no credentials in the file",
    });
  }
};
