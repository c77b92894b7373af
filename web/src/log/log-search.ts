// Finding a text in a log: the server looks, for the log may be longer than what is here.

import { useEffect, useRef, useState } from "react";
import { api } from "../api/client.ts";
import { errorText } from "../ui/toasts.tsx";

interface Found {
  lines: number[];
  /** Where to go on; undefined when all was looked at. */
  next: number | undefined;
  error?: string;
}

const typingMs = 250;
const portion = 500;

export function useLogSearch({
  jobId,
  attemptId,
  totalBytes,
  showLine,
}: {
  jobId: string;
  attemptId: string;
  totalBytes: number;
  showLine: (line: number) => void;
}) {
  const [typed, setTyped] = useState("");
  const [text, setText] = useState("");
  const [found, setFound] = useState<Found>();
  const [at, setAt] = useState(-1);
  const show = useRef(showLine);
  show.current = showLine;

  useEffect(() => {
    const timer = setTimeout(() => setText(typed.trim()), typingMs);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => {
    setFound(undefined);
    setAt(-1);
    if (text === "") return;
    const abort = new AbortController();
    search(jobId, attemptId, text, 0, abort.signal).then(
      answer => {
        setFound(answer);
        if (answer.lines.length > 0) {
          setAt(0);
          show.current(answer.lines[0]!);
        }
      },
      error => {
        if (!abort.signal.aborted) setFound({ lines: [], next: undefined, error: errorText(error).text });
      },
    );
    return () => abort.abort();
  }, [jobId, attemptId, text]);

  const go = (to: number, of = found) => {
    const line = of?.lines[to];
    if (line === undefined) return;
    setAt(to);
    show.current(line);
  };
  const more = async (from: number) => {
    const answer = await search(jobId, attemptId, text, from).catch(() => undefined);
    if (answer === undefined) return;
    const all = { ...answer, lines: [...(found?.lines ?? []), ...answer.lines] };
    setFound(all);
    go(Math.min(at + 1, all.lines.length - 1), all);
  };
  const next = () => {
    if (found === undefined) return;
    if (at + 1 < found.lines.length) go(at + 1);
    else if (found.next !== undefined) void more(found.next);
    else go(0);
  };
  const previous = () => {
    if (found !== undefined) go(at > 0 ? at - 1 : found.lines.length - 1);
  };
  return {
    typed,
    type: setTyped,
    text,
    here: found?.lines[at],
    next,
    previous,
    says: saying(found, at, totalBytes),
  };
}

function saying(found: Found | undefined, at: number, totalBytes: number): string {
  if (found === undefined) return totalBytes > 50_000_000 ? "looking through all of it…" : "looking…";
  if (found.error !== undefined) return found.error;
  const { lines, next } = found;
  if (lines.length === 0) return next === undefined ? "nothing found" : "nothing found so far: go on with ↓";
  return `${at + 1} of ${lines.length.toLocaleString()}${next === undefined ? "" : "+"}`;
}

/** Goes on over parts in which there is nothing, so that an answer without lines means that there are none. */
async function search(
  jobId: string,
  attemptId: string,
  text: string,
  firstLine: number,
  signal?: AbortSignal,
): Promise<Found> {
  let from: number | undefined = firstLine;
  while (from !== undefined) {
    const answer: { lines: number[]; next?: number | undefined } = await api.searchLog({
      params: { job: jobId, attempt: attemptId },
      query: { text, firstLine: from, limit: portion },
      ...(signal === undefined ? {} : { signal }),
    });
    if (answer.lines.length > 0 || answer.next === undefined)
      return { lines: answer.lines, next: answer.next };
    from = answer.next;
  }
  return { lines: [], next: undefined };
}
