// Asks a person at a terminal, on standard error, so that standard output stays what programs read; and reads what is
// piped in instead.

import readline from "node:readline/promises";
import { Writable } from "node:stream";
import { type CommandContext, UsageError } from "./context.ts";

export function askLine(context: CommandContext, question: string): Promise<string> {
  return ask(context, question, context.stderr);
}

/** What is typed is not shown. */
export async function askHidden(context: CommandContext, question: string): Promise<string> {
  await context.err.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    return await ask(context, "", nowhere);
  } finally {
    await context.err.write("\n");
  }
}

/** Ctrl-C and Ctrl-D are an answer too: none. */
async function ask(
  context: CommandContext,
  question: string,
  output: NodeJS.WritableStream,
): Promise<string> {
  const reader = readline.createInterface({ input: context.stdin, output, terminal: true });
  const closed = new Promise<never>((_, reject) => {
    reader.once("close", () => reject(new UsageError("nothing was typed")));
  });
  try {
    return (await Promise.race([reader.question(question), closed])).trim();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError("nothing was typed");
  } finally {
    reader.close();
  }
}

/** All of standard input. Throws UsageError for more than so many characters. */
export async function readInput(context: CommandContext, most: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const part of context.stdin) {
    text += typeof part === "string" ? part : decoder.decode(part as Uint8Array, { stream: true });
    if (text.length > most) throw new UsageError(`standard input has more than ${most} characters`);
  }
  return text + decoder.decode();
}
