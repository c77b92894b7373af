// A store that speaks enough of S3 for blobs (path style, whole objects and multipart), in this process and in memory,
// which can be full, refuse, or be slow. Signatures are not looked at: that real stores take ours is shown elsewhere.

import http from "node:http";
import type { AddressInfo } from "node:net";
import { pause } from "../server/server-process.ts";

export interface S3StandIn extends AsyncDisposable {
  /** For SLIPWAY_BLOBS. */
  address: string;
  /** What the server needs to reach it. */
  env: Record<string, string>;
  objects: Map<string, Buffer>;
  /** `METHOD key`, in their order. */
  requests: string[];
  /** Asked before each request that writes; undefined lets it through. */
  refusal?: ((key: string) => S3Refusal | undefined) | undefined;
  /** Before each answer. Milliseconds. */
  delayMs: number;
}

export interface S3Refusal {
  status: number;
  code: string;
  message: string;
}

export const isFull: S3Refusal = {
  status: 507,
  code: "XMinioStorageFull",
  message: "Storage backend has reached its minimum free drive threshold.",
};
export const isDenied: S3Refusal = { status: 403, code: "AccessDenied", message: "Access Denied." };

const bucket = "blobs";

export async function startS3StandIn(): Promise<S3StandIn> {
  const uploads = new Map<string, Map<number, Buffer>>();
  const store: Omit<S3StandIn, "address" | "env" | typeof Symbol.asyncDispose> = {
    objects: new Map(),
    requests: [],
    delayMs: 0,
  };
  const server = http.createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
      const url = new URL(request.url ?? "/", "http://s3");
      const key = decodeURIComponent(url.pathname.slice(`/${bucket}/`.length));
      store.requests.push(`${request.method} ${key}`);
      await pause(store.delayMs);
      const refusal = ["PUT", "POST"].includes(request.method ?? "") ? store.refusal?.(key) : undefined;
      const body = unchunked(request, Buffer.concat(parts));
      const answer = refusal === undefined ? reply(request, url, key, body) : no(refusal);
      response.writeHead(answer.status, {
        "content-length": answer.body.length,
        etag: '"e"',
        ...answer.headers,
      });
      response.end(request.method === "HEAD" ? undefined : answer.body);
    })().catch(() => response.destroy());
  });

  function reply(request: http.IncomingMessage, url: URL, key: string, body: Buffer): Answer {
    const { method, headers } = request;
    const upload = url.searchParams.get("uploadId");
    if (method === "POST" && url.searchParams.has("uploads")) {
      const id = `upload-${uploads.size}`;
      uploads.set(id, new Map());
      return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    }
    if (method === "PUT" && upload !== null) {
      uploads.get(upload)?.set(Number(url.searchParams.get("partNumber")), body);
      return ok(Buffer.alloc(0));
    }
    if (method === "POST" && upload !== null) {
      const parts = [...(uploads.get(upload) ?? [])].sort(([a], [b]) => a - b).map(([, part]) => part);
      store.objects.set(key, Buffer.concat(parts));
      return xml(`<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>`);
    }
    if (method === "PUT") {
      store.objects.set(key, body);
      return ok(Buffer.alloc(0));
    }
    if (method === "DELETE") {
      store.objects.delete(key);
      return { status: 204, headers: {}, body: Buffer.alloc(0) };
    }
    if (key === "") return xml(listing(store.objects, url.searchParams.get("prefix") ?? ""));
    const object = store.objects.get(key);
    if (object === undefined) return no({ status: 404, code: "NoSuchKey", message: "No such key." });
    const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "");
    if (range === null) return ok(object);
    const part = object.subarray(Number(range[1]), range[2] === "" ? undefined : Number(range[2]) + 1);
    return { status: 206, headers: {}, body: part };
  }

  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const address = `s3://${bucket}?endpoint=http://127.0.0.1:${port}`;
  return Object.assign(store, {
    address,
    env: { SLIPWAY_BLOBS: address, SLIPWAY_S3_ACCESS_KEY: "key", SLIPWAY_S3_SECRET_KEY: "secret" },
    async [Symbol.asyncDispose]() {
      const closed = new Promise(resolve => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  });
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

function ok(body: Buffer): Answer {
  return { status: 200, headers: {}, body };
}

function xml(text: string, status = 200): Answer {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${text}`);
  return { status, headers: { "content-type": "application/xml" }, body };
}

function no({ status, code, message }: S3Refusal): Answer {
  return xml(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`, status);
}

function listing(objects: ReadonlyMap<string, Buffer>, prefix: string): string {
  const rows = [...objects]
    .filter(([key]) => key.startsWith(prefix))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { length }]) => `<Contents><Key>${key}</Key><Size>${length}</Size></Contents>`);
  return `<ListBucketResult><IsTruncated>false</IsTruncated>${rows.join("")}</ListBucketResult>`;
}

/** Bodies that are signed piece by piece have a line before each. */
function unchunked({ headers }: http.IncomingMessage, body: Buffer): Buffer {
  if (!String(headers["content-encoding"] ?? "").includes("aws-chunked")) return body;
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf("\r\n", at);
    const length = Number.parseInt(body.toString("latin1", at, end), 16);
    if (!(length > 0)) break;
    pieces.push(body.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
  return Buffer.concat(pieces);
}
