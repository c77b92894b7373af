// Whether one line of 50 MB, and bytes that are no text, come out of the log as they went in.

import { createHash } from "node:crypto";
import type { Figure } from "./figure.ts";
import { type Command, readOutput } from "./timed-process.ts";
import type { Workshop } from "./workshop.ts";

const lineBytes = 50_000_000;
const binaryBytes = 5_000_000;

export async function unharmedOutput(workshop: Workshop): Promise<Figure[]> {
  const binary = pseudoRandom(binaryBytes);
  const steps = [
    `    - script: {name: long, code: "head -c ${lineBytes} /dev/zero | tr '\\\\0' x"}\n`,
    '    - script: {name: binary, code: "cat blob.bin"}\n',
  ];
  const home = await workshop.project("unharmed-output", {
    "slipway.yml": `box: ${workshop.image}\nbuild:\n  steps:\n${steps.join("")}`,
    "blob.bin": binary,
  });
  const digests = await digestsByStep(workshop.run(home, ["--json"]));
  const bench = "unharmed";
  const same = (name: string, content: Uint8Array) => (digests.get(name) === sha256(content) ? 1 : 0);
  return [
    {
      bench,
      metric: "one line of 50 MB is the same",
      value: same("long", Buffer.alloc(lineBytes, "x")),
      unit: "1 = yes",
      goal: ">= 1",
    },
    {
      bench,
      metric: "5 MB of any bytes are the same",
      value: same("binary", binary),
      unit: "1 = yes",
      goal: ">= 1",
    },
  ];
}

/** Digest of each step's standard output, put together from the events, by the step's shown name. */
async function digestsByStep(command: Command): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  const hashes = new Map<string, { hash: ReturnType<typeof createHash>; offset: number }>();
  await readLines(command, line => {
    const event = JSON.parse(line);
    if (event.type === "step-started") names.set(event.step, event.name);
    if (event.type !== "log" || event.stream !== "stdout") return;
    const entry = hashes.get(event.step) ?? { hash: createHash("sha256"), offset: 0 };
    hashes.set(event.step, entry);
    // A gap would be filled by nothing: then the digest must not come out right by chance.
    if (event.offset !== entry.offset)
      throw new Error(`a chunk is at ${event.offset}, and ${entry.offset} was next`);
    const bytes = event.text === undefined ? Buffer.from(event.bytes, "base64") : Buffer.from(event.text);
    entry.hash.update(bytes);
    entry.offset += bytes.length;
  });
  return new Map([...hashes].map(([step, { hash }]) => [names.get(step) ?? step, hash.digest("hex")]));
}

async function readLines(command: Command, take: (line: string) => void): Promise<void> {
  let rest: Buffer[] = [];
  await readOutput(command, chunk => {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      rest.push(chunk.subarray(from, at));
      take(Buffer.concat(rest).toString("utf8"));
      rest = [];
      from = at + 1;
    }
    rest.push(chunk.subarray(from));
  });
}

/** The same bytes in every run, with every value in them. */
function pseudoRandom(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 0x2545f491;
  for (let at = 0; at < size; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state & 0xff;
  }
  return bytes;
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
