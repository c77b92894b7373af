// Fetches something large from the platform, whole, and again from its beginning when it was cut short.

import { SlipwayError } from "../core/failure.ts";
import { type HeldBytes, holdBytes, TooManyBytes } from "./held-bytes.ts";
import { type HttpAnswer, Repeat } from "./runner-http.ts";
import { detailOf, jsonOf, type RunnerLink, type StorePatience } from "./runner-link.ts";

export interface Download {
  link: RunnerLink;
  /** Below `/runner/v1/`. */
  path: string;
  /** Where it is held. */
  directory: string;
  maxBytes: number;
  /** For messages: `the source`. */
  what: string;
  /** Statuses that say that there is none. */
  missing: readonly number[];
  signal: AbortSignal;
  store?: StorePatience | undefined;
}

/** What was fetched; undefined where there is none. Throws SlipwayError `download` where the platform refuses. */
export function downloaded(download: Download): Promise<HeldBytes | undefined> {
  const { link, path, what, missing, signal, store } = download;
  return link.receive({ method: "GET", path, signal, ...(store && { store }) }, async answer => {
    if (answer.status === 200) return hold(download, answer);
    const json = await jsonOf(answer.body);
    if (missing.includes(answer.status)) return undefined;
    throw new SlipwayError(
      "download",
      `${what} cannot be fetched: ${detailOf({ status: answer.status, json })}`,
    );
  });
}

async function hold({ directory, maxBytes, what }: Download, answer: HttpAnswer): Promise<HeldBytes> {
  let held: HeldBytes;
  try {
    held = await holdBytes(answer.body, directory, maxBytes);
  } catch (error) {
    answer.body.destroy();
    if (!(error instanceof TooManyBytes)) throw error;
    throw new SlipwayError("download", `${what} has more than ${maxBytes} bytes`);
  }
  const announced = Number(answer.headers["content-length"] ?? held.length);
  const digest = answer.headers["x-slipway-digest"];
  if (announced === held.length && (digest === undefined || digest === held.digest)) return held;
  await held[Symbol.asyncDispose]();
  throw new Repeat(`${what} came cut short or changed`);
}

/** The stream, which lets go of what it reads from when it ends. */
export async function* lettingGo(
  held: HeldBytes,
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } finally {
    await held[Symbol.asyncDispose]();
  }
}
