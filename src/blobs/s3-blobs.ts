// Blobs in an S3-compatible store. Large ones go up in parts that become visible together; what breaks on the way is taken
// back. Only calls that every such store knows are used: no checksums in trailers, no bulk deletes.

import { readFileSync } from "node:fs";
import https from "node:https";
import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { SlipwayError } from "../core/failure.ts";
import type { Secret } from "../core/secret.ts";
import { checkedKey } from "./blob-key.ts";
import type { BlobInfo, Blobs } from "./blobs.ts";
import { limited, watch } from "./limited.ts";
import { quietUnread } from "./quiet-unread.ts";
import type { S3Place } from "./s3-place.ts";

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: Secret;
  sessionToken?: Secret;
}

export interface S3Options {
  place: S3Place;
  /** Absent: what the SDK finds (environment, instance role, web identity). */
  credentials?: S3Credentials;
  /** PEM file with certificates to trust beside the system's. */
  caFile?: string;
}

/** Parts of large blobs; a blob has at most 10,000 of them, so that 156 GiB fit. */
const partBytes = 16 * 2 ** 20;
/** Parts under way at the same time, each held in memory. */
const partsAtOnce = 2;
const deletesAtOnce = 8;

/** Connects when it is first asked something. */
export function openS3Blobs({ place, credentials, caFile }: S3Options): Blobs {
  const client = new S3Client(
    configOf({ place, ...(credentials && { credentials }), ...(caFile && { caFile }) }),
  );
  const named = (key: string) => ({ Bucket: place.bucket, Key: place.prefix + checkedKey(key) });

  const stat = async (key: string): Promise<BlobInfo | undefined> => {
    try {
      const head = await client.send(new HeadObjectCommand(named(key)));
      return { key, bytes: head.ContentLength ?? 0 };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw told(error, place);
    }
  };

  return {
    stat,
    async put(key, content, { maxBytes, signal }) {
      const target = named(key);
      const counted = limited(content, maxBytes, signal);
      // What the content itself throws is the caller's, not the store's.
      let broken: unknown;
      const watched = watch(counted.content, error => (broken = error));
      const upload = new Upload({
        client,
        params: { ...target, Body: Readable.from(watched, { objectMode: false }) },
        partSize: partBytes,
        queueSize: partsAtOnce,
        leavePartsOnError: false,
      });
      const onAbort = () => void upload.abort().catch(() => undefined);
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        await upload.done();
        return { key, bytes: counted.count() };
      } catch (error) {
        throw broken ?? told(error, place);
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    async get(key, { start = 0, end, signal }) {
      const target = named(key);
      if (end !== undefined && end <= start) return (await stat(key)) === undefined ? undefined : nothing();
      const range =
        start === 0 && end === undefined
          ? {}
          : { Range: `bytes=${start}-${end === undefined ? "" : end - 1}` };
      try {
        const got = await client.send(new GetObjectCommand({ ...target, ...range }), { abortSignal: signal });
        return quietUnread(got.Body as Readable);
      } catch (error) {
        if (statusOf(error) === 404 && (error as Error).name !== "NoSuchBucket") return undefined;
        // A range behind the end is empty, as in a file.
        if (statusOf(error) === 416) return nothing();
        throw told(error, place);
      }
    },
    async remove(keys) {
      const left = [...keys];
      const removeNext = async (): Promise<void> => {
        for (let key = left.pop(); key !== undefined; key = left.pop()) {
          await client.send(new DeleteObjectCommand(named(key))).catch(error => {
            if (statusOf(error) !== 404) throw told(error, place);
          });
        }
      };
      await Promise.all(Array.from({ length: deletesAtOnce }, removeNext));
    },
    async *list(prefix) {
      let token: string | undefined;
      do {
        const page = await client
          .send(
            new ListObjectsV2Command({
              Bucket: place.bucket,
              Prefix: place.prefix + prefix,
              ...(token === undefined ? {} : { ContinuationToken: token }),
            }),
          )
          .catch(error => {
            throw told(error, place);
          });
        for (const { Key = "", Size = 0 } of page.Contents ?? []) {
          yield { key: Key.slice(place.prefix.length), bytes: Size };
        }
        token = page.NextContinuationToken;
      } while (token !== undefined);
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}

function configOf({ place, credentials, caFile }: S3Options): S3ClientConfig {
  const agent =
    caFile === undefined
      ? undefined
      : new https.Agent({ ca: readFileSync(caFile), keepAlive: true, maxSockets: 50 });
  return {
    region: place.region,
    ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint, forcePathStyle: true }),
    // Stores that are not Amazon's know neither the newer checksums nor their trailers.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 4,
    requestHandler: { connectionTimeout: 5000, requestTimeout: 60_000, ...(agent && { httpsAgent: agent }) },
    ...(credentials === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: credentials.accessKeyId,
            secretAccessKey: credentials.secretAccessKey.reveal(),
            ...(credentials.sessionToken && { sessionToken: credentials.sessionToken.reveal() }),
          },
        }),
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** An error of the store in its own words, with what to look at. An abort stays what it is. */
function told(error: unknown, place: S3Place): unknown {
  if (error instanceof SlipwayError || (error as Error).name === "AbortError") return error;
  const where = `bucket ${place.bucket}${place.endpoint === undefined ? "" : ` at ${place.endpoint}`}`;
  const status = statusOf(error);
  const { name = "", message = "" } = error as Partial<Error>;
  const words = [status, name, message].filter(word => word !== undefined && word !== "").join(" ");
  if (status === 507 || /StorageFull|QuotaExceeded/.test(name)) {
    return new SlipwayError("blobs-full", `the blob store is full: ${words} (${where})`, {
      cause: error,
      hint: "Free space in the bucket, or shorten retention.",
    });
  }
  if (status === undefined || status >= 500 || status === 408 || status === 429) {
    return new SlipwayError("blobs-unreachable", `the blob store does not answer: ${words} (${where})`, {
      cause: error,
    });
  }
  return new SlipwayError("blobs-refused", `the blob store refuses: ${words} (${where})`, {
    cause: error,
    hint: "Check that the bucket exists, and that SLIPWAY_S3_ACCESS_KEY and SLIPWAY_S3_SECRET_KEY may read, write, list and delete in it.",
  });
}
