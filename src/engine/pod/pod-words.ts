// What the box's supervisor says, line by line. Any process of the box can say the same, and more of it than anybody can
// hold: lines are short, everything else is counted and dropped.

export type PodWord =
  | { kind: "hello"; nonce: string }
  /** Instead of it: the box cannot take the tools that are lent to it. */
  | { kind: "unfit" }
  /** A session's supervisor has been started. */
  | { kind: "live" }
  /** It has ended as it was told. */
  | { kind: "over"; status: number }
  /** It, or what hears the orders, was killed. */
  | { kind: "gone" }
  | { kind: "begun" | "none" | "bare" | "killed" | "seen"; id: number }
  | { kind: "done"; id: number; status: number | "nodir"; text: string }
  | { kind: "ended"; status: number };

export interface WordReader {
  /** The words that are complete with these bytes. */
  push(bytes: Uint8Array): PodWord[];
  /** Bytes so far that were no words. */
  readonly strange: number;
}

const longestLine = 4096;

export function createWordReader(): WordReader {
  let held = "";
  let strange = 0;
  return {
    push(bytes) {
      const lines = (
        held + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
      ).split("\n");
      held = lines.pop() ?? "";
      if (held.length > longestLine) {
        strange += held.length;
        held = "";
      }
      const words: PodWord[] = [];
      for (const line of lines) {
        const word = wordOf(line);
        if (word === undefined) strange += line.length + 1;
        else words.push(word);
      }
      return words;
    },
    get strange() {
      return strange;
    },
  };
}

function wordOf(line: string): PodWord | undefined {
  if (line.length > longestLine) return undefined;
  if (line === "live" || line === "gone" || line === "unfit") return { kind: line };
  const [kind = "", first = "", second = ""] = line.split(" ", 3);
  if (kind === "hello") return /^[\w.-]{1,253}$/.test(first) ? { kind, nonce: first } : undefined;
  const number = numberOf(first);
  if (number === undefined) return undefined;
  switch (kind) {
    case "over":
    case "ended":
      return { kind, status: number };
    case "begun":
    case "none":
    case "bare":
    case "killed":
    case "seen":
      return { kind, id: number };
    case "done": {
      const status = second === "nodir" ? second : numberOf(second);
      if (status === undefined) return undefined;
      const text = line.slice(`done ${first} ${second} `.length);
      return { kind, id: number, status, text: Buffer.from(text, "latin1").toString("utf8") };
    }
    default:
      return undefined;
  }
}

function numberOf(text: string): number | undefined {
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}
