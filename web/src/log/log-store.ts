// One log for one view: knows how long it is and where its steps begin, and holds the lines around what is looked at. The stream of changes
// says when there is more. Memory stays the same however long the log is and however long the page is open.

import { type Answer, ApiProblem, api } from "../api/client.ts";
import { onChanges, watchLog } from "../live/connect.ts";
import { type Look, type Piece, readAnsi } from "./ansi.ts";
import type { StepBegin } from "./rows.ts";

type ApiLine = Answer<"getLogLines">["lines"][number];

export interface Line extends Omit<ApiLine, "text"> {
  pieces: Piece[];
  /** Letters of all pieces. */
  length: number;
  after: Look;
}

export interface LogShape {
  totalLines: number;
  totalBytes: number;
  steps: readonly StepBegin[];
  /** Nothing comes any more. */
  complete: boolean;
  /** Undefined before the first answer. */
  known: boolean;
  error: Error | undefined;
}

export interface LogStore {
  /** For `useSyncExternalStore`: called whenever shape or lines have changed; `version` is another one then. */
  subscribe(heard: () => void): () => void;
  version(): number;
  shape(): LogShape;
  line(number: number): Line | undefined;
  /** What is looked at, from and to included: asks for what is not there. */
  look(from: number, to: number): void;
  /** Asks how long it is now. */
  refresh(): void;
  close(): void;
}

interface Page {
  lines: Line[];
  letters: number;
  usedAt: number;
}

const pageLines = 500;
/** So much text is held, about twice in bytes. */
const mostLetters = 12_000_000;
const mostPages = 80;
/** Between questions how long it is. Milliseconds. */
const refreshMs = 300;
const retryMs = 2000;

export function openLogStore(jobId: string, attemptId: string): LogStore {
  const params = { job: jobId, attempt: attemptId };
  const heard = new Set<() => void>();
  const pages = new Map<number, Page>();
  const closing = new AbortController();
  let shape: LogShape = {
    totalLines: 0,
    totalBytes: 0,
    steps: [],
    complete: false,
    known: false,
    error: undefined,
  };
  let version = 0;
  let wanted = { from: 0, to: 0 };
  let reading: { page: number; abort: AbortController } | undefined;
  let asking = false;
  let askAgain = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let uses = 0;

  const tell = () => {
    version++;
    for (const each of [...heard]) each();
  };
  const later = (ms: number, what: () => void) => {
    clearTimeout(timer);
    timer = setTimeout(what, ms);
  };

  const ask = async () => {
    if (closing.signal.aborted || shape.complete) return;
    if (asking) {
      askAgain = true;
      return;
    }
    asking = true;
    askAgain = false;
    try {
      const { signal } = closing;
      const answer = await api.getLogSteps({ params, signal });
      take(answer);
    } catch (error) {
      if (closing.signal.aborted) return;
      // Nothing was said yet: there is no log before its first line.
      const none = error instanceof ApiProblem && error.status === 404;
      shape = { ...shape, known: true, error: none ? undefined : (error as Error) };
      tell();
      if (!none) askAgain = true;
    }
    asking = false;
    if (askAgain) later(shape.error === undefined ? refreshMs : retryMs, () => void ask());
  };

  const take = ({ totalLines, totalBytes, steps, complete }: Answer<"getLogSteps">) => {
    const grew = totalLines !== shape.totalLines || totalBytes !== shape.totalBytes;
    if (grew) forgetFrom(Math.max(0, shape.totalLines - 1));
    shape = { totalLines, totalBytes, steps, complete, known: true, error: undefined };
    if (complete) off();
    tell();
    read();
  };

  /** The last line may have been an unfinished one. */
  const forgetFrom = (line: number) => {
    const at = Math.floor(line / pageLines);
    for (const [index, page] of pages) {
      if (index > at) pages.delete(index);
      if (index === at) page.lines.length = Math.min(page.lines.length, line - at * pageLines);
    }
  };

  const missing = (): number | undefined => {
    const last = Math.min(wanted.to, shape.totalLines - 1);
    for (let line = Math.max(0, wanted.from); line <= last; ) {
      const index = Math.floor(line / pageLines);
      const page = pages.get(index);
      const held = index * pageLines + (page?.lines.length ?? 0);
      if (held <= line) return held;
      line = (index + 1) * pageLines;
      if (held < Math.min(line, last + 1)) return held;
    }
    return undefined;
  };

  const read = () => {
    const line = missing();
    if (line === undefined || closing.signal.aborted) return;
    const page = Math.floor(line / pageLines);
    if (reading !== undefined) {
      const { page: busy } = reading;
      const isOfUse =
        busy >= Math.floor(wanted.from / pageLines) && busy <= Math.floor(wanted.to / pageLines);
      if (!isOfUse) reading.abort.abort();
      return;
    }
    const abort = new AbortController();
    const own = { page, abort };
    reading = own;
    const signal = AbortSignal.any([abort.signal, closing.signal]);
    const lines = (page + 1) * pageLines - line;
    api
      .getLogLines({ params, query: { firstLine: line, lines }, signal })
      .then(
        answer => keep(page, line, answer),
        error => {
          if (signal.aborted) return;
          shape = { ...shape, error: error as Error };
          tell();
          return new Promise(resolve => setTimeout(resolve, retryMs));
        },
      )
      .finally(() => {
        if (reading === own) reading = undefined;
        read();
      });
  };

  const keep = (index: number, first: number, answer: Answer<"getLogLines">) => {
    const page = pages.get(index) ?? { lines: [], letters: 0, usedAt: 0 };
    pages.set(index, page);
    page.usedAt = ++uses;
    page.lines.length = Math.min(page.lines.length, first - index * pageLines);
    for (const line of answer.lines) {
      const before = page.lines.at(-1);
      const goesOn = before !== undefined && before.step === line.step && before.stream === line.stream;
      page.lines.push(shownLine(line, goesOn ? before.after : undefined));
    }
    page.letters = page.lines.reduce((sum, { length }) => sum + length, 0);
    if (answer.lines.length === 0 && first < shape.totalLines) shape = { ...shape, totalLines: first };
    evict();
    if (shape.error !== undefined) shape = { ...shape, error: undefined };
    tell();
  };

  const evict = () => {
    let letters = 0;
    for (const page of pages.values()) letters += page.letters;
    const oldest = [...pages].sort(([, one], [, other]) => one.usedAt - other.usedAt);
    for (const [index, page] of oldest) {
      if ((letters <= mostLetters && pages.size <= mostPages) || pages.size <= 2) return;
      pages.delete(index);
      letters -= page.letters;
    }
  };

  const unwatch = watchLog(attemptId);
  const deaf = onChanges(({ all, logs }) => {
    if (all || logs.includes(attemptId)) soon();
  });
  let isOff = false;
  const off = () => {
    if (isOff) return;
    isOff = true;
    unwatch();
    deaf();
  };
  let lastAsk = 0;
  const soon = () => {
    const wait = lastAsk + refreshMs - Date.now();
    if (wait > 0) return later(wait, soon);
    lastAsk = Date.now();
    void ask();
  };
  soon();

  return {
    subscribe(each) {
      heard.add(each);
      return () => heard.delete(each);
    },
    version: () => version,
    shape: () => shape,
    line(number) {
      const page = pages.get(Math.floor(number / pageLines));
      if (page !== undefined) page.usedAt = ++uses;
      return page?.lines[number % pageLines];
    },
    look(from, to) {
      wanted = { from, to };
      read();
    },
    refresh: soon,
    close() {
      closing.abort(new Error("the view is closed"));
      clearTimeout(timer);
      off();
      heard.clear();
      pages.clear();
    },
  };
}

function shownLine({ text, ...line }: ApiLine, before: Look | undefined): Line {
  const { pieces, after } = readAnsi(text, before);
  return { ...line, pieces, after, length: pieces.reduce((sum, piece) => sum + piece.text.length, 0) };
}
