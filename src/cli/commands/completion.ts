// `slipway completion SHELL`: scripts that complete commands, flags and their choices from the tables, and the names
// of pipelines and workflows from the file at hand (by `slipway check --json`, which starts nothing).

import type { CommandEntry } from "../command-entry.ts";
import { commands } from "../command-table.ts";
import { type Command, UsageError } from "../context.ts";
import { type Flag, globalFlags } from "../flags.ts";

export const completion: Command = async (context, args) => {
  const shell = args[0];
  const make = shell === "bash" ? bash : shell === "zsh" ? zsh : shell === "fish" ? fish : undefined;
  if (make === undefined) {
    throw new UsageError(`no completion for the shell "${shell}"`, "bash, zsh and fish are known");
  }
  await context.out.write(make(context.name));
  return 0;
};

const offered = commands.filter(entry => !entry.passThrough);

function shownFlags(entry: CommandEntry): Flag[] {
  return [...entry.flags, ...globalFlags].filter(flag => !flag.hidden);
}

const noFileFlags = /^(FILE|DIR)$/;

/** Shell text that prints the names of pipelines or workflows, one a line. */
function namesCommand(name: string, what: "pipelines" | "workflows"): string {
  // The report is one line of JSON; node is there, since it runs the program.
  const read = what === "pipelines" ? "Object.keys(r.pipelines)" : "r.workflows.map(w => w.name)";
  return `${name} check --json 2>/dev/null | node -e 'let t="";process.stdin.on("data",c=>{t+=c}).on("end",()=>{try{const r=JSON.parse(t);console.log(${read}.join("\\n"))}catch{}})' 2>/dev/null`;
}

function bash(name: string): string {
  const fn = `_${name}`;
  const cases = offered.map(entry => {
    const words = [entry.name, ...(entry.alias ? [entry.alias] : [])].join("|");
    return `    ${words}) flags="${flagWords(entry).join(" ")}" first="${firstOf(entry)}" ;;`;
  });
  const choices = uniqueFlags()
    .filter(flag => flag.choices)
    .map(
      flag =>
        `    --${flag.name}) COMPREPLY=($(compgen -W "${flag.choices!.join(" ")}" -- "$cur")); return ;;`,
    );
  const takesFile = uniqueFlags().filter(flag => flag.value && noFileFlags.test(flag.value));
  const takesValue = uniqueFlags().filter(
    flag => flag.value && !flag.choices && !noFileFlags.test(flag.value),
  );
  return `# bash completion of ${name}
${fn}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= flags= first=none words=0 i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      -*) ;;
      *) if [ -z "$command" ]; then command=\${COMP_WORDS[i]}; else words=$((words + 1)); fi ;;
    esac
  done
  case $prev in
${choices.join("\n")}
    ${takesFile.map(flag => `--${flag.name}`).join("|")}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ${takesValue.map(flag => `--${flag.name}`).join("|")}) return ;;
  esac
  case $command in
    "") flags="--help --version ${globalFlags
      .filter(flag => !flag.hidden)
      .map(flag => `--${flag.name}`)
      .join(" ")}" first=commands ;;
${cases.join("\n")}
  esac
  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur")); return; fi
  if [ "$words" -gt 0 ]; then COMPREPLY=($(compgen -f -- "$cur")); return; fi
  case $first in
    commands) COMPREPLY=($(compgen -W "${offered.map(entry => entry.name).join(" ")}" -- "$cur")) ;;
    pipelines) COMPREPLY=($(compgen -W "$(${namesCommand(name, "pipelines")})" -- "$cur")) ;;
    workflows) COMPREPLY=($(compgen -W "$(${namesCommand(name, "workflows")})" -- "$cur")) ;;
    shells) COMPREPLY=($(compgen -W "bash zsh fish" -- "$cur")) ;;
    files) COMPREPLY=($(compgen -f -- "$cur")) ;;
    none) ;;
    *) COMPREPLY=($(compgen -W "$first" -- "$cur")) ;;
  esac
}
complete -o filenames -F ${fn} ${name}
`;
}

/** One word for what there is a rule for, else the words themselves. */
function firstOf({ verbs, completes }: CommandEntry): string {
  return verbs === undefined ? (completes ?? "none") : verbs.join(" ");
}

function zsh(name: string): string {
  const cases = offered.map(entry => {
    const words = [entry.name, ...(entry.alias ? [entry.alias] : [])].join("|");
    const specs = shownFlags(entry).map(flag => `      ${zshQuote(zshSpec(flag))}`);
    return `    (${words})\n      _arguments -s \\\n${[...specs, `      ${zshQuote(zshFirst(entry))}`, "      '*:file:_files'"].join(" \\\n")} ;;`;
  });
  return `#compdef ${name}
_${name}_pipelines() { local -a names; names=(\${(f)"$(${namesCommand(name, "pipelines")})"}); compadd -a names; }
_${name}_workflows() { local -a names; names=(\${(f)"$(${namesCommand(name, "workflows")})"}); compadd -a names; }
_${name}() {
  local -a commands
  commands=(
${offered.map(entry => `    ${zshQuote(`${entry.name}:${entry.summary}`)}`).join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n").replaceAll("@PROGRAM@", name)}
  esac
}
if [ "$funcstack[1]" = "_${name}" ]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function zshSpec(flag: Flag): string {
  const help = flag.help.replaceAll("[", "(").replaceAll("]", ")").replaceAll(":", " ");
  const many = flag.repeat ? "*" : "";
  if (flag.value === undefined) return `${many}--${flag.name}[${help}]`;
  const what = flag.choices ? `(${flag.choices.join(" ")})` : noFileFlags.test(flag.value) ? "_files" : "";
  return `${many}--${flag.name}=[${help}]:${flag.value.toLowerCase().replaceAll(":", " ")}:${what}`;
}

function zshFirst(entry: CommandEntry): string {
  if (entry.verbs !== undefined) return `1:what:(${entry.verbs.join(" ")})`;
  switch (entry.completes) {
    case "pipelines":
      return "1:pipeline:_@PROGRAM@_pipelines";
    case "workflows":
      return "1:workflow:_@PROGRAM@_workflows";
    case "shells":
      return "1:shell:(bash zsh fish)";
    default:
      return "1:file:_files";
  }
}

function zshQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fish(name: string): string {
  const lines = [`# fish completion of ${name}`];
  const fishQuote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  for (const entry of offered) {
    lines.push(
      `complete -c ${name} -f -n __fish_use_subcommand -a ${entry.name} -d ${fishQuote(entry.summary)}`,
    );
  }
  for (const entry of offered) {
    const words = [entry.name, ...(entry.alias ? [entry.alias] : [])].join(" ");
    const here = `-n ${fishQuote(`__fish_seen_subcommand_from ${words}`)}`;
    for (const flag of shownFlags(entry)) {
      const value =
        flag.value === undefined
          ? ""
          : flag.choices
            ? ` -x -a ${fishQuote(flag.choices.join(" "))}`
            : noFileFlags.test(flag.value)
              ? " -r -F"
              : " -x";
      lines.push(`complete -c ${name} ${here} -l ${flag.name}${value} -d ${fishQuote(flag.help)}`);
    }
    if (entry.completes === "pipelines" || entry.completes === "workflows") {
      lines.push(
        `complete -c ${name} ${here} -f -a ${fishQuote(`(${namesCommand(name, entry.completes)})`)}`,
      );
    }
    if (entry.verbs !== undefined) lines.push(`complete -c ${name} ${here} -f -a '${entry.verbs.join(" ")}'`);
    if (entry.completes === "shells") lines.push(`complete -c ${name} ${here} -f -a 'bash zsh fish'`);
  }
  return `${lines.join("\n")}\n`;
}

function flagWords(entry: CommandEntry): string[] {
  return [...shownFlags(entry).map(flag => `--${flag.name}`), "--help"];
}

/** Of flags that several commands have, the one that offers choices. */
function uniqueFlags(): Flag[] {
  const unique = new Map<string, Flag>();
  for (const flag of offered.flatMap(shownFlags)) {
    if (unique.get(flag.name)?.choices === undefined) unique.set(flag.name, flag);
  }
  return [...unique.values()];
}
