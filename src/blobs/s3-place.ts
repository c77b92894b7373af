// Reads `s3://bucket/prefix?endpoint=https://...&region=...`. Apart from the adapter, so that settings can be checked
// without its library.

import { accept, type Result, refuse } from "../core/failure.ts";

export interface S3Place {
  bucket: string;
  /** Empty, or with a slash at its end. */
  prefix: string;
  region: string;
  /** Absent: Amazon's own. */
  endpoint?: string;
}

/** Refuses with `blobs-address`. */
export function readS3Place(address: string): Result<S3Place> {
  const hint = "write s3://BUCKET or s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION";
  const no = (what: string) => refuse("blobs-address", `the blob store ${address}: ${what}`, hint);
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(\/[A-Za-z0-9/._-]*)?(?:\?(.*))?$/.exec(address);
  if (match === null) return no("is not an address of a bucket");
  const query = new URLSearchParams(match[3] ?? "");
  const unknown = [...query.keys()].find(key => key !== "endpoint" && key !== "region");
  if (unknown !== undefined) return no(`"${unknown}" is not known`);
  const prefix = (match[2] ?? "").split("/").filter(Boolean);
  if (prefix.includes("..") || prefix.includes(".")) return no("its prefix may not hold . or ..");
  const endpoint = query.get("endpoint");
  if (endpoint !== null && !(URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol))) {
    return no(`its endpoint "${endpoint}" is no http or https address`);
  }
  return accept({
    bucket: match[1]!,
    prefix: prefix.length === 0 ? "" : `${prefix.join("/")}/`,
    region: query.get("region") ?? "us-east-1",
    ...(endpoint === null ? {} : { endpoint }),
  });
}
