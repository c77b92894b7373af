// Asks a person at a terminal, on standard error, so that standard output stays what programs read.

import readline from "node:readline/promises";
import { Writable } from "node:stream";
import type { CommandContext } from "./context.ts";

export async function askLine(context: CommandContext, question: string): Promise<string> {
  const reader = readline.createInterface({ input: context.stdin, output: context.stderr, terminal: true });
  try {
    return (await reader.question(question)).trim();
  } finally {
    reader.close();
  }
}

/** What is typed is not shown. */
export async function askHidden(context: CommandContext, question: string): Promise<string> {
  await context.err.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = readline.createInterface({ input: context.stdin, output: nowhere, terminal: true });
  try {
    return await reader.question("");
  } finally {
    reader.close();
    await context.err.write("\n");
  }
}
