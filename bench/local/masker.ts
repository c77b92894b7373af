// How fast output is masked: 200 MB in chunks of 64 KiB, 20 secrets, three kinds of text. Prints MB for each second
// of processor time, which what else runs on the machine disturbs least; medians of five.
// `node bench/local/masker.ts`

import { randomBytes } from "node:crypto";
import { createMasker } from "../../src/lib/mask/create-masker.ts";
import { maskPatterns } from "../../src/lib/mask/mask-patterns.ts";

const chunkSize = 64 * 1024;
const total = 200e6;

const secrets = {
  passwords: Array.from({ length: 20 }, () => `a'"/&$ ${randomBytes(12).toString("base64")}`),
  tokens: Array.from({ length: 20 }, () => randomBytes(20).toString("hex")),
  words: Array.from(
    { length: 20 },
    (_, at) => ["pass", "word", "letmein", "s3cr3t!"][at % 4]! + String.fromCharCode(97 + at),
  ),
  short: Array.from({ length: 20 }, () => randomBytes(3).toString("base64")),
  keys: Array.from({ length: 20 }, () => randomBytes(1600).toString("base64").replace(/.{64}/g, "$&\n")),
};
const line =
  "2026-01-01T00:00:00Z [INFO] Downloading from central: https://repo.example.org/maven2/org/app/core.pom (3.2 kB)\n";
const texts = {
  log: Buffer.from(line.repeat(Math.ceil(chunkSize / line.length)).slice(0, chunkSize)),
  base64: Buffer.from(randomBytes(chunkSize).toString("base64").slice(0, chunkSize)),
  binary: randomBytes(chunkSize),
};

for (const [kind, values] of Object.entries(secrets)) {
  const patterns = maskPatterns(values);
  for (const [name, chunk] of Object.entries(texts)) {
    const rates = [1, 2, 3, 4, 5].map(() => rate(patterns, chunk)).sort((a, b) => a - b);
    console.log(
      `${kind.padEnd(9)} ${String(patterns.length).padStart(6)} patterns  ${name.padEnd(7)} ${rates[2]!.toFixed(0)} MB/s`,
    );
  }
}

function rate(patterns: Uint8Array[], chunk: Uint8Array): number {
  const masker = createMasker(patterns);
  const start = process.cpuUsage();
  let out = 0;
  for (let done = 0; done < total; done += chunk.length) {
    for (const part of masker.push(chunk)) out += part.length;
  }
  for (const part of masker.flush()) out += part.length;
  if (out === 0) throw new Error("nothing came out");
  const { user, system } = process.cpuUsage(start);
  return total / (user + system);
}
