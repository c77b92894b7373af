// Progress of pulls, pushes, loads and builds: the daemon's stream of JSON objects as lines for people. What is said
// again and again (bytes of a layer) is left out; what is done is said once.

import { SlipwayError } from "../../core/failure.ts";

export interface ProgressMessage {
  status?: string;
  id?: string;
  /** Text of a build, with its own line ends. */
  stream?: string;
  error?: string;
  errorDetail?: { message?: string };
  aux?: unknown;
}

const longestMessage = 1024 * 1024;

/** The objects of a progress stream. They come one a line, or without anything between them. */
export async function* progressMessages(body: AsyncIterable<Uint8Array>): AsyncGenerator<ProgressMessage> {
  const decoder = new TextDecoder();
  let held = "";
  for await (const chunk of body) {
    held += decoder.decode(chunk, { stream: true });
    const lines = held.split("\n");
    held = lines.pop() ?? "";
    if (held.length > longestMessage) throw malformed(held);
    for (const line of lines) if (line.trim() !== "") yield parse(line);
  }
  if (held.trim() !== "") yield parse(held);
}

function parse(line: string): ProgressMessage {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below with the line itself.
  }
  throw malformed(line);
}

function malformed(text: string): SlipwayError {
  return new SlipwayError(
    "daemon-protocol",
    `the container daemon's progress is not readable: ${text.slice(0, 200)}`,
  );
}

/** States of a layer that are worth a line; the others repeat themselves many times a second. */
const finished = /^(Pull complete|Already exists|Pushed|Layer already exists|Mounted from)/;
const repeated =
  /^(Pulling fs layer|Waiting|Downloading|Extracting|Verifying Checksum|Download complete|Preparing|Pushing|Loading layer|Copying blob|Copying config|Writing manifest|Storing signatures)/;

/**
 * Hands on what there is to tell until the stream ends. An error in the stream is thrown as SlipwayError
 * `registry-answer` with the daemon's text.
 */
export async function followProgress(
  body: AsyncIterable<Uint8Array>,
  tell: (text: string) => void,
  onAux: (aux: unknown) => void = () => {},
): Promise<void> {
  for await (const message of progressMessages(body)) {
    const failure = message.errorDetail?.message ?? message.error;
    if (failure !== undefined && failure !== "") throw new SlipwayError("registry-answer", failure);
    if (message.aux !== undefined) onAux(message.aux);
    const text = progressText(message);
    if (text !== undefined) tell(text);
  }
}

/** A line with its end, a build's own text, or nothing. */
function progressText(message: ProgressMessage): string | undefined {
  if (message.stream !== undefined) return message.stream === "" ? undefined : message.stream;
  if (message.status === undefined || message.status === "") return undefined;
  if (message.id === undefined || message.id === "") return `${message.status}\n`;
  if (repeated.test(message.status) && !finished.test(message.status)) return undefined;
  return `${message.id}: ${message.status}\n`;
}
