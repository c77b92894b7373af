// A client of the logs role in a process of its own, that only speaks the protocol. `node log-client.ts WISH` with a wish as
// JSON; the last line of its output says what it did, as JSON. It is started by logs.ts.

import { createHash } from "node:crypto";
import { Agent, request } from "node:http";

export interface SendWish {
  kind: "send";
  url: string;
  jobs: { key: string; epoch: number }[];
  /** Of each job; as many as go without it. */
  linesPerSecond?: number;
  linesPerFrame: number;
  /** Of each job. */
  lines: number;
  maxRequestBytes: number;
}

export interface Sent {
  /** Of each job's bytes. */
  sha256: string[];
  bytes: number;
  lines: number;
  chunks: number[];
  requests: number;
  /** From the first byte to the last acknowledgement. */
  ms: number;
  cpuMs: number;
}

export interface ReadWish {
  kind: "read";
  urls: string[];
}

export interface Read {
  /** From when a line was made to when it was read. Milliseconds, of each line of each reader. */
  latencies: number[];
  bytes: number;
  cpuMs: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 200 });
const wait = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));
/** What comes slowly is sent so often, and not line by line. */
const gatherMs = 10;
/** The same for all processes of a machine. */
const now = () => performance.timeOrigin + performance.now();

function post(wish: SendWish, job: { key: string; epoch: number }, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${job.key}`,
      "content-type": "application/vnd.slipway.log-frames",
      "content-length": body.length,
      "x-slipway-epoch": job.epoch,
    };
    const call = request(`${wish.url}/runner/v1/logs`, { method: "POST", agent, headers }, response => {
      let text = "";
      response.setEncoding("utf8").on("data", part => {
        text += part;
      });
      response.on("end", () =>
        response.statusCode === 200
          ? resolve((JSON.parse(text) as { stored: number }).stored)
          : reject(new Error(`${response.statusCode} ${text}`)),
      );
    });
    call.on("error", reject).end(body);
  });
}

const filler = "the quick brown fox jumps over the lazy dog, and compiles all of it again ".repeat(2);

/** About a hundred bytes; begins with the time. */
function line(at: number): string {
  const tail = ((at * 2654435761) >>> 0).toString(36).padStart(7, "0");
  return `${Math.round(now())} ${tail} ${at} ${filler.slice(at % 60, (at % 60) + 65)}\n`;
}

function fresh(from: number, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, at) => line(from + at)).join(""));
}

const stockLines = 50_000;
let stocked: { data: Buffer; starts: number[] } | undefined;

/** Lines that were made before: a client that makes each of them costs more than the service that stores it. */
function stock(from: number, count: number): Buffer {
  if (stocked === undefined) {
    const lines = Array.from({ length: stockLines }, (_, at) => Buffer.from(line(at)));
    const starts: number[] = [0];
    for (const each of lines) starts.push(starts.at(-1)! + each.length);
    stocked = { data: Buffer.concat(lines), starts };
  }
  const { data, starts } = stocked;
  const first = from % (stockLines - count);
  return data.subarray(starts[first], starts[first + count]);
}

async function send(wish: SendWish): Promise<Sent> {
  stock(0, 1);
  const total: Sent = { sha256: [], bytes: 0, lines: 0, chunks: [], requests: 0, ms: 0, cpuMs: 0 };
  const began = performance.now();
  await Promise.all(
    wish.jobs.map(async (job, index) => {
      const hash = createHash("sha256");
      const waiting: Buffer[] = [];
      let seq = 0;
      let made = 0;
      const make = () => {
        const due =
          wish.linesPerSecond === undefined
            ? wish.lines
            : Math.min(wish.lines, ((performance.now() - began) / 1000) * wish.linesPerSecond);
        let ahead = waiting.reduce((sum, part) => sum + part.length, 0);
        while (made < due && ahead < wish.maxRequestBytes * 2) {
          const count = Math.min(wish.linesPerFrame, Math.ceil(due - made));
          const data = wish.linesPerSecond === undefined ? stock(made, count) : fresh(made, count);
          made += count;
          hash.update(data);
          total.bytes += data.length;
          const time = new Date().toISOString();
          const header = { seq: ++seq, step: "build", stream: "stdout", time, bytes: data.length };
          waiting.push(Buffer.from(`${JSON.stringify(header)}\n`), data);
          ahead += data.length;
        }
      };
      while (made < wish.lines || waiting.length > 0) {
        make();
        if (waiting.length === 0) {
          await wait(5);
          continue;
        }
        let bytes = 0;
        let count = 0;
        while (
          count < waiting.length &&
          bytes + waiting[count]!.length + waiting[count + 1]!.length <= wish.maxRequestBytes
        ) {
          bytes += waiting[count]!.length + waiting[count + 1]!.length;
          count += 2;
        }
        const sentAt = performance.now();
        const posted = post(wish, job, Buffer.concat(waiting.splice(0, count)));
        // As a job goes on while its runner sends.
        make();
        await posted;
        total.requests++;
        const early = sentAt + gatherMs - performance.now();
        if (wish.linesPerSecond !== undefined && early > 0) await wait(early);
      }
      total.lines += made;
      total.sha256[index] = hash.digest("hex");
      total.chunks[index] = seq;
    }),
  );
  total.ms = performance.now() - began;
  return { ...total, cpuMs: cpu() };
}

async function read(wish: ReadWish): Promise<Read> {
  const latencies: number[] = [];
  let bytes = 0;
  await Promise.all(
    wish.urls.map(
      url =>
        new Promise<void>((resolve, reject) => {
          request(url, { agent }, response => {
            let rest = "";
            response.setEncoding("utf8").on("data", part => {
              const at = now();
              const lines = (rest + part).split("\n");
              rest = lines.pop()!;
              for (const each of lines) {
                if (!each.startsWith('data: {"seq"')) continue;
                const { text } = JSON.parse(each.slice(6)) as { text: string };
                bytes += Buffer.byteLength(text);
                for (const made of text.split("\n"))
                  if (made !== "") latencies.push(at - Number.parseFloat(made));
              }
            });
            response.on("end", resolve).on("error", reject);
          })
            .on("error", reject)
            .end();
        }),
    ),
  );
  return { latencies, bytes, cpuMs: cpu() };
}

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const wish = JSON.parse(process.argv[2]!) as SendWish | ReadWish;
console.log(JSON.stringify(wish.kind === "send" ? await send(wish) : await read(wish)));
agent.destroy();
