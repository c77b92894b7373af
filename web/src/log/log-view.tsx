// The log of an attempt: live, coloured, folded by step, with line numbers to link to. Only the lines that are seen exist in the page, and only
// the lines around them are held.

import {
  type CSSProperties,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { CopyButton } from "../ui/copy.tsx";
import { Failed } from "../ui/page.tsx";
import { SearchField } from "../ui/search-field.tsx";
import { useShortcut } from "../ui/shortcuts.tsx";
import { bytesText } from "../ui/time.tsx";
import { HeadRow, LineRow, type StepLook } from "./log-row.tsx";
import { useLogSearch } from "./log-search.ts";
import { openLogStore } from "./log-store.ts";
import { createRows, hashOf, type Range, rangeOf } from "./rows.ts";
import { rowHeight, useViewport } from "./use-viewport.ts";
import { seenRows } from "./viewport.ts";
import "./log.css";

/** Of a line that is wider than the box. Pixels. */
const scrollBar = 18;

export interface LogViewProps {
  jobId: string;
  attemptId: string;
  /** By the step's id. */
  looks: ReadonlyMap<string, StepLook>;
  /** A step to show, told anew with each number. */
  goTo?: { step: string; count: number } | undefined;
}

export function LogView({ jobId, attemptId, looks, goTo }: LogViewProps) {
  const store = useLog(jobId, attemptId);
  useSyncExternalStore(store.subscribe, store.version);
  const shape = store.shape();
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [wraps, setWraps] = useState(() => kept("wrap"));
  const [withTime, setWithTime] = useState(() => kept("time"));
  const [follow, setFollow] = useState(rangeOf(location.hash) === undefined);
  const [chosen, setChosen] = useState<Range | undefined>(() => rangeOf(location.hash));
  const box = useRef<HTMLDivElement>(null);
  const rows = useMemo(
    () => createRows(shape.steps, shape.totalLines, folded),
    [shape.steps, shape.totalLines, folded],
  );
  const columns = useColumns(box, withTime);
  const heights = {
    count: rows.count,
    heightOf: (row: number) => {
      const at = wraps ? rows.at(row) : undefined;
      const length = at?.kind === "line" ? (store.line(at.line)?.length ?? 0) : 0;
      return rowHeight * Math.max(1, Math.ceil(length / columns));
    },
  };
  const viewport = useViewport(box, {
    heights,
    even: !wraps,
    follow: follow && !shape.complete,
    scrolled: atEnd => setFollow(atEnd),
  });
  const { place, viewHeight, fullHeight, show } = viewport;
  const seen = seenRows(heights, place, viewHeight);
  const shown = seen.map(row => ({ row, at: rows.at(row)! }));
  // Whoever is in the middle of a step sees whose lines these are.
  const top = shown[0]?.at;
  const within = top?.kind === "line" || (top !== undefined && place.above > 0) ? top?.section : undefined;
  const lines = shown.flatMap(({ at }) => (at.kind === "line" ? [at.line] : []));
  const [firstSeen = 0, lastSeen = 0] = [lines[0], lines.at(-1)];
  useEffect(() => store.look(firstSeen - 40, lastSeen + 40), [store, firstSeen, lastSeen]);

  const showLine = useCallback(
    (line: number) => {
      setFollow(false);
      show(rows.rowOf(line));
    },
    [rows, show],
  );
  const search = useLogSearch({ jobId, attemptId, totalBytes: shape.totalBytes, showLine });
  useShownOnce(shape.known && chosen !== undefined, () => showLine(chosen!.from));
  const wentTo = useRef(0);
  useEffect(() => {
    if (goTo === undefined || goTo.count === wentTo.current) return;
    const section = rows.sections.find(({ step }) => step === goTo.step);
    if (section === undefined) return;
    // Once: a log that grows does not come back to it.
    wentTo.current = goTo.count;
    setFollow(false);
    show(section.row + 3);
  });
  const choose = useCallback((line: number, extend: boolean) => {
    setChosen(before => {
      const range = extend && before !== undefined ? spanned(before, line) : { from: line, to: line };
      history.replaceState(history.state, "", hashOf(range));
      return range;
    });
  }, []);
  const toggle = useCallback((step: string) => {
    setFolded(before => {
      const next = new Set(before);
      if (!next.delete(step)) next.add(step);
      return next;
    });
  }, []);
  useShortcut("f", "Log: follow the end", () => setFollow(before => !before));
  useShortcut("w", "Log: wrap long lines", () => setWraps(keep("wrap", !wraps)));
  useShortcut("t", "Log: times of lines", () => setWithTime(keep("time", !withTime)));
  useShortcut("n", "Log: next place that was found", search.next);
  useShortcut("p", "Log: place before that was found", search.previous);
  const rawUrl = `/api/v1/logs/${jobId}/${attemptId}`;
  // A log that has ended takes no more room than it needs; one that grows would move what stands below it.
  const isGone = shape.error !== undefined && shape.totalLines === 0;
  const isWhole = (shape.complete && !wraps && rows.count > 0) || isGone;
  const wholeHeight = {
    "--whole": isGone ? "180px" : `${rows.count * rowHeight + scrollBar}px`,
  } as CSSProperties;
  const allFolded = rows.sections.length > 0 && rows.sections.every(each => each.folded);
  return (
    <div className={`panel log-box ${wraps ? "wrap" : ""}`}>
      <div className="log-tools">
        <LogSearch search={search} />
        <span className="end">
          {chosen && (
            <CopyButton text={linkTo(chosen)} label="Copy link to the chosen lines" show="Copy link" />
          )}
          {rows.sections.length > 1 && (
            <button
              type="button"
              className="button plain small"
              onClick={() =>
                setFolded(allFolded ? new Set() : new Set(rows.sections.map(({ step }) => step)))
              }
            >
              {allFolded ? "Unfold all" : "Fold all"}
            </button>
          )}
          <Toggle on={withTime} text="Times" set={on => setWithTime(keep("time", on))} />
          <Toggle on={wraps} text="Wrap" set={on => setWraps(keep("wrap", on))} />
          {!shape.complete && !isGone && <Toggle on={follow} text="Follow" set={setFollow} />}
          <a className="button plain small" href={rawUrl} download={`${attemptId}.log`}>
            Raw{shape.totalBytes > 0 && ` (${bytesText(shape.totalBytes)})`}
          </a>
        </span>
      </div>
      {/* Its content is scrolled by keys, too. */}
      <section
        className={`log-scroll ${isWhole ? "whole" : ""}`}
        style={wholeHeight}
        ref={box}
        tabIndex={0}
        aria-label="Log"
      >
        {isGone && <Failed error={shape.error} retry={store.refresh} />}
        {shape.known && shape.error === undefined && rows.count === 0 && (
          <p className="empty">{shape.complete ? "Nothing was printed." : "Nothing printed yet."}</p>
        )}
        <div style={{ height: fullHeight }}>
          <div className="log-pane" style={{ height: viewHeight }}>
            {within !== undefined && (
              <div className="log-within">
                <HeadRow section={within} look={looks.get(within.step)} toggle={toggle} />
              </div>
            )}
            <div className="log-rows" style={{ transform: `translateY(${-place.above}px)` }}>
              {shown.map(({ row, at }) =>
                at.kind === "head" ? (
                  <HeadRow
                    key={`h${at.section.step}`}
                    section={at.section}
                    look={looks.get(at.section.step)}
                    toggle={toggle}
                  />
                ) : (
                  <LineRow
                    key={row}
                    number={at.line}
                    line={store.line(at.line)}
                    chosen={chosen !== undefined && at.line >= chosen.from && at.line <= chosen.to}
                    withTime={withTime}
                    search={search.text}
                    isHit={at.line === search.here}
                    rawUrl={rawUrl}
                    choose={choose}
                  />
                ),
              )}
            </div>
          </div>
        </div>
      </section>
    </div>
  );
}

function useLog(jobId: string, attemptId: string) {
  const [store, setStore] = useState(() => openLogStore(jobId, attemptId));
  const opened = useRef(`${jobId} ${attemptId}`);
  useEffect(() => {
    const wanted = `${jobId} ${attemptId}`;
    if (opened.current !== wanted) {
      opened.current = wanted;
      setStore(openLogStore(jobId, attemptId));
    }
  }, [jobId, attemptId]);
  useEffect(() => () => store.close(), [store]);
  return store;
}

/** Letters that fit into a line of the box. */
function useColumns(box: React.RefObject<HTMLElement | null>, withTime: boolean): number {
  const [width, setWidth] = useState(800);
  useEffect(() => {
    const sized = new ResizeObserver(() => setWidth(box.current?.clientWidth ?? 800));
    sized.observe(box.current!);
    return () => sized.disconnect();
  }, [box]);
  const letter = useMemo(letterWidth, []);
  const gutter = width <= 640 ? 52 : 76;
  return Math.max(10, Math.floor((width - gutter - (withTime ? 100 : 0) - 16) / letter));
}

function letterWidth(): number {
  const context = document.createElement("canvas").getContext("2d");
  if (context === null) return 7.8;
  context.font = `13px ${getComputedStyle(document.documentElement).getPropertyValue("--mono")}`;
  return context.measureText("0".repeat(100)).width / 100 || 7.8;
}

/** Runs once, as soon as it can. */
function useShownOnce(can: boolean, run: () => void): void {
  const done = useRef(false);
  useEffect(() => {
    if (!can || done.current) return;
    done.current = true;
    run();
  });
}

function LogSearch({ search }: { search: ReturnType<typeof useLogSearch> }) {
  return (
    <form
      className="row"
      onSubmit={event => {
        event.preventDefault();
        search.next();
      }}
    >
      <SearchField
        aria-label="Search in the log"
        placeholder="Search"
        value={search.typed}
        onChange={event => search.type(event.target.value)}
        onKeyDown={event => {
          if (event.key !== "Enter" || !event.shiftKey) return;
          event.preventDefault();
          search.previous();
        }}
      />
      {search.text !== "" && (
        <>
          <span className="small muted" role="status">
            {search.says}
          </span>
          <button
            type="button"
            className="button plain small"
            aria-label="Place before"
            onClick={search.previous}
          >
            ↑
          </button>
          <button type="button" className="button plain small" aria-label="Next place" onClick={search.next}>
            ↓
          </button>
        </>
      )}
    </form>
  );
}

function Toggle({ on, text, set }: { on: boolean; text: string; set: (on: boolean) => void }) {
  return (
    <button type="button" className="button plain small" aria-pressed={on} onClick={() => set(!on)}>
      {text}
    </button>
  );
}

function spanned(range: Range, line: number): Range {
  return line < range.from ? { from: line, to: range.to } : { from: range.from, to: line };
}

function linkTo(range: Range): string {
  return `${location.origin}${location.pathname}${location.search}${hashOf(range)}`;
}

function kept(name: string): boolean {
  try {
    return localStorage.getItem(`slipway-log-${name}`) === "1";
  } catch {
    return false;
  }
}

function keep(name: string, on: boolean): boolean {
  try {
    localStorage.setItem(`slipway-log-${name}`, on ? "1" : "0");
  } catch {
    // It holds as long as the page.
  }
  return on;
}
