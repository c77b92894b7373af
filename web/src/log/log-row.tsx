// One row: the head of a step, or a line. Text is text: nothing of it is ever markup.

import { type CSSProperties, memo, type ReactNode } from "react";
import { type State, StateIcon, wordOf } from "../ui/state.tsx";
import { durationText } from "../ui/time.tsx";
import type { Look } from "./ansi.ts";
import type { Line } from "./log-store.ts";
import type { Section } from "./rows.ts";

export interface StepLook {
  name: string;
  state: State;
  durationMs: number | undefined;
}

export const HeadRow = memo(function HeadRow({
  section,
  look,
  toggle,
}: {
  section: Section;
  look: StepLook | undefined;
  toggle: (step: string) => void;
}) {
  const lines = section.endLine - section.firstLine;
  return (
    <button
      type="button"
      className="log-head"
      aria-expanded={!section.folded}
      onClick={() => toggle(section.step)}
    >
      <span aria-hidden="true">{section.folded ? "▸" : "▾"}</span>
      {look && (
        <span className={`of of-${look.state}`}>
          <StateIcon state={look.state} size={14} />
          <span className="sr-only">{wordOf(look.state)}</span>
        </span>
      )}
      <span className="cut">{look?.name ?? section.step}</span>
      <span className="small muted nowrap">
        {lines === 1 ? "1 line" : `${lines.toLocaleString()} lines`}
        {look?.durationMs !== undefined && ` · ${durationText(look.durationMs)}`}
      </span>
    </button>
  );
});

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

export const LineRow = memo(function LineRow({
  number,
  line,
  chosen,
  withTime,
  search,
  isHit,
  rawUrl,
  choose,
}: {
  number: number;
  line: Line | undefined;
  chosen: boolean;
  withTime: boolean;
  search: string;
  /** The one that the search stands at. */
  isHit: boolean;
  rawUrl: string;
  choose: (number: number, extend: boolean) => void;
}) {
  return (
    <div
      className={`log-line ${chosen ? "chosen" : ""} ${line?.stream === "stderr" ? "err" : ""}`}
      data-line={number}
    >
      <a
        className="at"
        href={`#L${number + 1}`}
        tabIndex={-1}
        aria-label={`Line ${number + 1}`}
        onClick={event => {
          event.preventDefault();
          choose(number, event.shiftKey);
        }}
      >
        {number + 1}
      </a>
      {withTime && (
        <span className="time">{line === undefined ? "" : clock.format(new Date(line.time))}</span>
      )}
      <span className="text">
        {line === undefined ? "" : textOf(line, search, isHit)}
        {line?.cut && (
          <a href={`${rawUrl}?firstLine=${number}&lines=1`} target="_blank" rel="noreferrer">
            {" "}
            … the line is longer: all of it
          </a>
        )}
      </span>
    </div>
  );
});

function textOf(line: Line, search: string, isHit: boolean): ReactNode {
  const [only] = line.pieces;
  if (search === "" && line.pieces.length === 1 && only!.look === line.after && isPlain(only!.look))
    return only!.text;
  let column = 0;
  return line.pieces.map(({ text, look }) => {
    const from = column;
    column += text.length;
    return (
      <span key={from} className={classOf(look)} style={styleOf(look)}>
        {search === "" ? text : marked(text, search, isHit)}
      </span>
    );
  });
}

function isPlain(look: Look): boolean {
  for (const _ in look) return false;
  return true;
}

function marked(text: string, search: string, isHit: boolean): ReactNode {
  const [low, wanted] = [text.toLowerCase(), search.toLowerCase()];
  const parts: ReactNode[] = [];
  let at = 0;
  // Letters whose small form is longer would shift what follows.
  if (low.length !== text.length) return text;
  for (let found = low.indexOf(wanted); found !== -1; found = low.indexOf(wanted, at)) {
    if (found > at) parts.push(text.slice(at, found));
    at = found + wanted.length;
    parts.push(
      <mark key={found} className={isHit ? "here" : undefined}>
        {text.slice(found, at)}
      </mark>,
    );
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

function classOf(look: Look): string | undefined {
  const names = (["bold", "dim", "italic", "underline", "strike", "inverse"] as const).filter(
    name => look[name],
  );
  return names.length === 0 ? undefined : names.join(" ");
}

function styleOf({ color, background }: Look): CSSProperties | undefined {
  if (color === undefined && background === undefined) return undefined;
  return {
    ...(color === undefined ? {} : { color: cssColor(color) }),
    ...(background === undefined ? {} : { backgroundColor: cssColor(background) }),
  };
}

/** A number of the palette, or `#rrggbb` that `readAnsi` has made itself. */
function cssColor(color: number | string): string {
  return typeof color === "number" ? `var(--ansi-${color})` : color;
}
