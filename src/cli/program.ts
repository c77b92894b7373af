// Parses the command line and calls one command. The parser is commander; what it knows is made from the tables of
// flags and commands. Wrong usage never reaches a command.

import { CommanderError, Option, Command as Parser } from "commander";
import { messageOf, SlipwayError } from "../core/failure.ts";
import { normalizeArguments } from "./arguments.ts";
import type { CommandEntry } from "./command-entry.ts";
import { commands } from "./command-table.ts";
import { type CommandContext, type FlagValues, type ProgramInput, UsageError } from "./context.ts";
import { type Flag, flagKey, globalFlags, runFlags, workflowFlags } from "./flags.ts";
import { streamOutput } from "./print/output.ts";

const wrongUsage = 2;

/** Runs the command that `input.args` names; resolves to the exit code when all output has left. */
export async function runProgram(input: ProgramInput): Promise<number> {
  const context: CommandContext = {
    ...input,
    out: streamOutput(input.stdout),
    err: streamOutput(input.stderr),
  };
  const code = await codeOf(context, input.args);
  await Promise.all([context.out.flush(), context.err.flush()]);
  // The program whose name this is knew two exit codes, and scripts compare with 1.
  return input.name === "wercker" && code !== 0 ? 1 : code;
}

async function codeOf(context: CommandContext, args: string[]): Promise<number> {
  let code = 0;
  const parser = makeParser(context, args, async (entry, words, values) => {
    const command = await entry.load();
    code = await command(context, words, values);
  });
  try {
    await parser.parseAsync(normalizedArguments(args), { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : wrongUsage;
    await context.err.write(`${context.name}: ${explain(error, context)}\n`);
    return error instanceof UsageError ? wrongUsage : 3;
  }
}

function explain(error: unknown, context: CommandContext): string {
  const hint = error instanceof UsageError || error instanceof SlipwayError ? error.hint : undefined;
  const known = error instanceof UsageError || error instanceof SlipwayError;
  const trace = !known && error instanceof Error && context.env.SLIPWAY_TRACE ? `\n${error.stack ?? ""}` : "";
  return `${messageOf(error)}${hint === undefined ? "" : `\n  ${hint}`}${trace}`;
}

/** The arguments as the parser wants them. */
export function normalizedArguments(args: readonly string[]): string[] {
  const flags = [
    ...globalFlags,
    ...runFlags,
    ...workflowFlags,
    ...commands.flatMap(entry => entry.flags),
    { name: "help", short: "h", help: "" },
    { name: "version", short: "v", help: "" },
  ];
  const names = new Set(commands.flatMap(entry => [entry.name, ...(entry.alias ? [entry.alias] : [])]));
  const passed = commands.find(entry => entry.passThrough && entry.name === args[0]);
  if (passed !== undefined) return [...args];
  const normalized = normalizeArguments(args, flags, names);
  const named = commands.find(({ name, alias }) => name === normalized[0] || alias === normalized[0]);
  // Two commands may mean two things by one letter: the named one's own flags count.
  return named === undefined ? normalized : normalizeArguments(args, [...flags, ...named.flags], names);
}

type Dispatch = (entry: CommandEntry, words: string[], values: FlagValues) => Promise<void>;

function makeParser(context: CommandContext, args: readonly string[], dispatch: Dispatch): Parser {
  const parser = new Parser(context.name)
    .description("Runs the pipelines of slipway.yml and wercker.yml: on this machine, as everywhere else.")
    .version(
      context.name === "wercker" ? `wercker version ${context.version} (Slipway)` : context.version,
      "-v, --version",
    )
    .helpCommand("help [command]", "help for a command")
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: text => void context.out.write(text),
      writeErr: text => void context.err.write(text),
    })
    .showHelpAfterError(`(${context.name} --help tells more)`)
    .addHelpText("after", examplesText(context.name));
  parser.usage("[flags] COMMAND [arguments]");
  parser.action(async () => {
    if (parser.args[0] !== undefined) {
      parser.error(`error: unknown command '${parser.args[0]}'${nearest(parser.args[0])}`);
    }
    await context.out.write(parser.helpInformation() + examplesText(context.name));
  });
  parser.allowExcessArguments(true);
  for (const flag of globalFlags) addFlag(parser, flag);
  for (const entry of commands) {
    const command = addCommand(parser, entry, context, dispatch);
    // Hundreds of flags take longer to make than the rest of the start; only a command that is named needs its own.
    if (args.includes(entry.name) || (entry.alias !== undefined && args.includes(entry.alias))) {
      for (const flag of entry.flags) addFlag(command, flag);
    }
  }
  return parser;
}

function addCommand(
  parser: Parser,
  entry: CommandEntry,
  context: CommandContext,
  dispatch: Dispatch,
): Parser {
  const command = parser.command(`${entry.name} ${entry.args}`.trim(), { hidden: entry.hidden === true });
  command
    .summary(entry.summary)
    .description(entry.summary)
    .helpGroup(groupOf(entry))
    .addHelpText("after", exampleLines(entry.examples, context.name));
  if (entry.alias) command.alias(entry.alias);
  command.allowExcessArguments(false);
  if (entry.passThrough) command.helpOption(false).allowUnknownOption().allowExcessArguments();
  command.action(async () => {
    await dispatch(entry, command.args, command.optsWithGlobals() as FlagValues);
  });
  return command;
}

function groupOf({ dropIn, group }: CommandEntry): string {
  if (dropIn) return "For those who come from wercker:";
  if (group === "client") return "With a server:";
  return group === "server" ? "To run a server:" : "Commands:";
}

function addFlag(parser: Parser, flag: Flag): void {
  const short = flag.short === undefined ? "" : `-${flag.short}, `;
  const value = flag.value === undefined ? "" : ` <${flag.value.toLowerCase()}>`;
  const option = new Option(`${short}--${flag.name}${value}`, flag.help);
  if (flag.value !== undefined) {
    // The parser takes every name that begins with "no-" for a switch that turns something off.
    option.negate = false;
    option.attributeName = () => flagKey(flag);
  }
  if (flag.hidden) option.hideHelp();
  if (flag.choices) option.choices([...flag.choices]);
  if (flag.repeat) {
    option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
  }
  parser.addOption(option);
  if (flag.value === undefined && !flag.name.startsWith("no-")) {
    parser.addOption(new Option(`--no-${flag.name}`).hideHelp());
  }
}

function nearest(word: string): string {
  const close = commands.filter(entry => entry.name.startsWith(word.slice(0, 2)) && !entry.passThrough);
  return close.length === 0 ? "" : `\n(Did you mean ${close.map(entry => entry.name).join(" or ")}?)`;
}

function examplesText(name: string): string {
  const shown = commands.filter(
    entry => !entry.dropIn && (entry.group !== "client" || entry.name === "login"),
  );
  const lines = shown.flatMap(entry => entry.examples.slice(0, 1));
  return exampleLines(lines, name);
}

function exampleLines(examples: readonly [string, string][], name: string): string {
  if (examples.length === 0) return "";
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(
    ([line, what]) => `  ${line.replace(/\bslipway\b/, name).padEnd(width)}  ${what}`,
  );
  return `\nExamples:\n${lines.join("\n")}\n`;
}
