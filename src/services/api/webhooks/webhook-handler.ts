// `POST /hooks/ORGANISATION/PROJECT`: pushes that a git host tells of. Who cannot prove to know the project's secret hears
// the same, whatever is wrong: no such project, no signature, a wrong one, an old one.

import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf } from "../../../core/failure.ts";
import { pushBody } from "../../../endpoints/webhook.ts";
import type { HttpLog, RequestHandler } from "../../../http/handler.ts";
import { invalid, Problem, problem } from "../../../http/problem.ts";
import { readBytes } from "../../../http/read-body.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Nudges } from "../../../queue/postgres/nudges.ts";
import type { Database } from "../../../store/database.ts";
import type { SecretBox } from "../../../store/secret-box.ts";
import { isSigned } from "./signature.ts";
import { takePush } from "./take-push.ts";

export interface WebhookDependencies {
  db: Database;
  nudges: Nudges;
  box: SecretBox;
  clock: Clock;
  /** The server's address as people reach it, without a slash at the end. */
  baseUrl: string;
  log: HttpLog;
}

const maxBytes = 2 ** 20;
const place = /^\/hooks\/([a-z0-9][a-z0-9-]{0,62})\/([A-Za-z0-9][A-Za-z0-9._-]{0,99})\/?$/;

export function webhookHandler(deps: WebhookDependencies): RequestHandler {
  return async (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0]!;
    if (!path.startsWith("/hooks/")) return false;
    try {
      const { status, body } = await take(deps, request, path);
      answer(response, status, "application/json", body);
    } catch (error) {
      refuse(deps, request, response, error);
    }
    return true;
  };
}

async function take(
  deps: WebhookDependencies,
  request: IncomingMessage,
  path: string,
): Promise<{ status: number; body: unknown }> {
  if (request.method !== "POST") {
    throw problem(405, "method", "Method not allowed", `${request.method} is not possible here`, "use POST");
  }
  const bytes = await readBytes(request, maxBytes, deps.clock);
  const [, organisation = "", name = ""] = place.exec(path) ?? [];
  const project = await projectOf(deps, organisation, name);
  const signed = {
    signature: header(request, "x-slipway-signature"),
    timestamp: header(request, "x-slipway-timestamp"),
    body: bytes,
  };
  // Also where there is no such project: it takes as long.
  const proven = isSigned(project?.secret ?? Buffer.alloc(32), signed, deps.clock.now());
  if (project === undefined || !proven) throw problem(401, "unauthorized", "Not proven", "not proven");
  const push = parsed(bytes);
  const delivery = header(request, "x-slipway-delivery");
  if (delivery !== undefined && delivery !== push.deliveryId) {
    throw invalid("delivery", "X-Slipway-Delivery is not the body's deliveryId", "send the same in both");
  }
  const { runs, ignored, repeated } = await takePush(deps.db, deps.clock, project.id, push);
  if (!repeated) for (const { id } of runs) deps.nudges.nudge("runs", id);
  deps.log.info(
    {
      project: `${organisation}/${name}`,
      delivery: push.deliveryId,
      runs: runs.map(({ id }) => id),
      repeated,
    },
    "a push was told",
  );
  const urls = runs.map(run => ({
    ...run,
    url: `${deps.baseUrl}/${organisation}/${name}/runs/${run.number}`,
  }));
  return {
    status: runs.length > 0 && !repeated ? 201 : 200,
    body: { runs: urls, ...(ignored === undefined ? {} : { ignored }) },
  };
}

async function projectOf(
  { db, box, log }: WebhookDependencies,
  organisation: string,
  name: string,
): Promise<{ id: number; secret: Uint8Array } | undefined> {
  const [row] = await db.query<{ id: number; webhook_secret: Buffer }>(
    `select p.id, p.webhook_secret from projects p join organisations o on o.id = p.organisation_id
     where o.name = $1 and p.name = $2`,
    [organisation, name],
  );
  if (row === undefined) return undefined;
  try {
    return { id: row.id, secret: box.open(row.webhook_secret) };
  } catch (error) {
    log.error(
      { project: `${organisation}/${name}`, error: messageOf(error) },
      "the secret of a webhook cannot be opened",
    );
    return undefined;
  }
}

function parsed(bytes: Buffer) {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalid("json", "the body is no JSON in UTF-8");
  }
  const push = pushBody.safeParse(value);
  if (push.success) return push.data;
  const problems = push.error.issues.slice(0, 20).map(issue => ({
    path: ["body", ...issue.path.map(String)].join("."),
    message: issue.message,
  }));
  throw new Problem({
    status: 422,
    code: "validation",
    title: "Not acceptable as it is",
    detail: problems.map(({ path, message }) => `${path}: ${message}`).join("; "),
    problems,
  });
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}

function answer(response: ServerResponse, status: number, type: string, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(text);
}

function refuse(
  { log }: WebhookDependencies,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  if (response.headersSent || response.destroyed) return;
  if (!request.complete) response.setHeader("connection", "close");
  if (error instanceof Problem) {
    const { details } = error;
    const type = `urn:slipway:problem:${details.code}`;
    answer(response, details.status, "application/problem+json", { type, ...details });
    return;
  }
  log.error({ error: messageOf(error) }, "a webhook failed");
  const body = { code: "internal", status: 500, title: "Our failure", detail: "try again" };
  answer(response, 500, "application/problem+json", body);
}
