// The words that a script of the fake engine is made of, one command a line. A tiny language, so that a test says
// what a step does and no shell is needed to do it. Lines that are none of them do nothing, and nothing here throws.

export type Command =
  /** `echo TEXT`, `err TEXT`: a line on stdout, on stderr. `$NAME` and `${NAME}` are expanded. */
  | { word: "print"; stream: "stdout" | "stderr"; text: string }
  /** `print-bytes HEX`. */
  | { word: "bytes"; bytes: Uint8Array }
  /** `flood N`: N bytes `x` on stdout. */
  | { word: "flood"; bytes: number }
  /** `exit N`: the shell ends. */
  | { word: "exit"; status: number }
  /** `return N`: the script ends; under errexit the shell does too, unless N is 0. */
  | { word: "return"; status: number }
  /** `kill-shell N`: the shell ends by signal N and cannot say so itself. */
  | { word: "kill-shell"; signal: number }
  /** `sleep MS`, on the engine's clock. */
  | { word: "sleep"; ms: number }
  /** `fail-times N`: fails with status 1 the first N times that the box comes here, then does nothing. */
  | { word: "fail-times"; times: number }
  /** `sleep-times N MS`: sleeps the first N times that the box comes here, then does nothing. */
  | { word: "sleep-times"; times: number; ms: number }
  /** `silent`: does nothing until a signal comes. */
  | { word: "silent" }
  /** `ignore-term`: from here on only KILL ends the shell. */
  | { word: "ignore-term" }
  /** `oom`: the kernel kills the shell for memory. */
  | { word: "oom" }
  /** `lose-box`: the connection to the box breaks. */
  | { word: "lose-box" }
  /** `box-exits N`, `box-exits N oom`: the box's main process ends. */
  | { word: "box-exits"; status: number; outOfMemory: boolean }
  /** `message TEXT`: writes the step's message file. */
  | { word: "message"; text: string }
  /** `write PATH TEXT`, `link PATH TARGET`, `remove PATH`: `$NAME` in the path is expanded. */
  | { word: "write"; path: string; text: string }
  | { word: "link"; path: string; target: string }
  | { word: "remove"; path: string }
  /** `cat PATH`: fails with status 1 where nothing is. */
  | { word: "cat"; path: string }
  /** `export NAME=VALUE`: `$NAME` in the value is expanded. */
  | { word: "export"; name: string; value: string }
  /** `print-env NAME`: its value or `unset`. */
  | { word: "print-env"; name: string }
  /** `set -e`, `set +e`. */
  | { word: "errexit"; on: boolean };

const parsers: Record<string, (rest: string) => Command | undefined> = {
  echo: text => ({ word: "print", stream: "stdout", text }),
  err: text => ({ word: "print", stream: "stderr", text }),
  "print-bytes": hex => ({ word: "bytes", bytes: Buffer.from(hex.replaceAll(/\s/g, ""), "hex") }),
  flood: text => withNumber(text, bytes => ({ word: "flood", bytes })),
  exit: text => withNumber(text || "0", status => ({ word: "exit", status: status & 255 })),
  return: text => withNumber(text || "0", status => ({ word: "return", status: status & 255 })),
  "kill-shell": text => withNumber(text || "9", signal => ({ word: "kill-shell", signal: signal & 127 })),
  sleep: text => withNumber(text, ms => ({ word: "sleep", ms })),
  "fail-times": text => withNumber(text, times => ({ word: "fail-times", times })),
  "sleep-times": text => {
    const [times = "", ms = ""] = text.split(/\s+/);
    return withNumber(times, count =>
      withNumber(ms, time => ({ word: "sleep-times", times: count, ms: time })),
    );
  },
  silent: () => ({ word: "silent" }),
  "ignore-term": () => ({ word: "ignore-term" }),
  oom: () => ({ word: "oom" }),
  "lose-box": () => ({ word: "lose-box" }),
  "box-exits": text => {
    const [status = "", memory] = text.split(/\s+/);
    return withNumber(status, code => ({
      word: "box-exits",
      status: code & 255,
      outOfMemory: memory === "oom",
    }));
  },
  message: text => ({ word: "message", text }),
  write: text => withPath(text, (path, rest) => ({ word: "write", path, text: rest })),
  link: text => withPath(text, (path, target) => ({ word: "link", path, target })),
  remove: text => withPath(text, path => ({ word: "remove", path })),
  cat: text => withPath(text, path => ({ word: "cat", path })),
  export: text => {
    const at = text.indexOf("=");
    const name = text.slice(0, Math.max(at, 0));
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return undefined;
    return { word: "export", name, value: unquoted(text.slice(at + 1)) };
  },
  "print-env": name => ({ word: "print-env", name }),
  set: text => {
    if (!/^[+-]e$/.test(text)) return undefined;
    return { word: "errexit", on: text === "-e" };
  },
};

/**
 * The commands of a script, in order. One that defines shell functions (the step that gives every pipeline its helpers
 * does) is not in this language and has none.
 */
export function parseScript(script: string): Command[] {
  if (/^\s*\w+ ?\(\) *\{/m.test(script)) return [];
  return script.split("\n").flatMap(line => {
    const [, word = "", rest = ""] = /^\s*(\S+)\s*(.*?)\s*$/.exec(line) ?? [];
    const command = Object.hasOwn(parsers, word) ? parsers[word]?.(rest) : undefined;
    return command === undefined ? [] : [command];
  });
}

/** `$NAME` and `${NAME}` replaced by their values; what has none becomes empty. */
export function expandVariables(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/g,
    (_, braced: string | undefined, plain: string | undefined) => variables.get(braced ?? plain ?? "") ?? "",
  );
}

function withNumber(text: string, make: (value: number) => Command | undefined): Command | undefined {
  const value = Number(text);
  return /^\d{1,12}$/.test(text) && Number.isSafeInteger(value) ? make(value) : undefined;
}

function withPath(text: string, make: (path: string, rest: string) => Command): Command | undefined {
  const [, path, rest = ""] = /^(\S+)\s*(.*)$/.exec(text) ?? [];
  return path === undefined ? undefined : make(path, rest);
}

/** The text within matching quotes around all of it. */
function unquoted(text: string): string {
  return /^(["']).*\1$/s.test(text) && text.length > 1 ? text.slice(1, -1) : text;
}
