// Ties the place in a log to the scroll bar, wheel, keys and touch of its box.

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import {
  asNumber,
  earlier,
  fromNumber,
  type Heights,
  isAt,
  lastPlace,
  mostPixels,
  moved,
  type Place,
} from "./viewport.ts";

export const rowHeight = 20;

export interface Viewport {
  place: Place;
  viewHeight: number;
  /** Of what makes the scroll bar, in pixels. */
  fullHeight: number;
  atEnd: boolean;
  /** Puts a row near the upper edge, a few rows below it where there are any. */
  show(row: number): void;
  toEnd(): void;
}

/**
 * `even`: all rows have the height `rowHeight`. `follow` keeps the last row in sight; `scrolled` hears whether a person has moved to the end
 * or away from it.
 */
export function useViewport(
  box: RefObject<HTMLElement | null>,
  {
    heights,
    even,
    follow,
    scrolled,
  }: { heights: Heights; even: boolean; follow: boolean; scrolled: (atEnd: boolean) => void },
): Viewport {
  const [place, setPlace] = useState<Place>({ row: 0, above: 0 });
  const [viewHeight, setViewHeight] = useState(400);
  const last = lastPlace(heights, viewHeight);
  const exact = even && heights.count * rowHeight <= mostPixels;
  const fits = last.row === 0 && last.above === 0;
  const fullHeight = exact
    ? heights.count * rowHeight
    : fits
      ? 0
      : Math.min(mostPixels, Math.max(heights.count * rowHeight, viewHeight * 2));
  const now = useRef({ heights, last, exact, place, fullHeight, viewHeight, follow, scrolled });
  now.current = { heights, last, exact, place, fullHeight, viewHeight, follow, scrolled };
  /** Where we have put the scroll bar ourselves: what it says of that is no person's doing. */
  const put = useRef(Number.NaN);

  const go = useCallback(
    (to: Place, byPerson: boolean) => {
      const { heights, last, exact, fullHeight, viewHeight, scrolled } = now.current;
      const next = earlier(to, last);
      now.current.place = next;
      setPlace(before => (before.row === next.row && before.above === next.above ? before : next));
      const element = box.current;
      if (element !== null) {
        const share = asNumber(next, heights) / Math.max(1e-9, asNumber(last, heights));
        const top = exact ? next.row * rowHeight + next.above : share * Math.max(0, fullHeight - viewHeight);
        if (Math.abs(element.scrollTop - top) >= 1) {
          put.current = Math.round(top);
          element.scrollTop = top;
        }
      }
      if (byPerson) scrolled(isAt(next, last));
    },
    [box],
  );

  useEffect(() => {
    const element = box.current!;
    const onScroll = () => {
      const { heights, last, exact, fullHeight, viewHeight, scrolled } = now.current;
      const top = element.scrollTop;
      if (Math.abs(top - put.current) <= 1) {
        put.current = Number.NaN;
        return;
      }
      const number = exact
        ? top / rowHeight
        : (top / Math.max(1, fullHeight - viewHeight)) * asNumber(last, heights);
      const next = earlier(fromNumber(number, heights), last);
      now.current.place = next;
      setPlace(next);
      scrolled(isAt(next, last));
    };
    const move = (pixels: number) => {
      const { heights, place, last } = now.current;
      go(moved(heights, place, pixels, last), true);
    };
    const onWheel = (event: WheelEvent) => {
      if (event.ctrlKey || event.shiftKey || event.deltaY === 0) return;
      // Who leaves the end that is followed is moved at once: the browser does so a moment later, and a line that comes until then would
      // take the reader back.
      const leaves = now.current.follow && event.deltaY < 0;
      if (now.current.exact && !leaves) return;
      const unit = event.deltaMode === 1 ? rowHeight : event.deltaMode === 2 ? now.current.viewHeight : 1;
      event.preventDefault();
      move(event.deltaY * unit);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const page = now.current.viewHeight - 2 * rowHeight;
      const steps: Record<string, number> = {
        ArrowDown: rowHeight,
        ArrowUp: -rowHeight,
        PageDown: page,
        PageUp: -page,
      };
      const pixels =
        event.key === " " && event.target === element ? (event.shiftKey ? -page : page) : steps[event.key];
      if (pixels !== undefined) move(pixels);
      else if (event.key === "Home") go({ row: 0, above: 0 }, true);
      else if (event.key === "End") go(now.current.last, true);
      else return;
      event.preventDefault();
    };
    const sized = new ResizeObserver(() => setViewHeight(element.clientHeight));
    sized.observe(element);
    setViewHeight(element.clientHeight);
    element.addEventListener("scroll", onScroll, { passive: true });
    element.addEventListener("wheel", onWheel, { passive: false });
    element.addEventListener("keydown", onKey);
    return () => {
      sized.disconnect();
      element.removeEventListener("scroll", onScroll);
      element.removeEventListener("wheel", onWheel);
      element.removeEventListener("keydown", onKey);
    };
  }, [box, go]);

  // What is above stays where it is when the log grows; who follows sees its end.
  // A scroll bar whose place is the text's place needs nothing for that, and to touch it would break off a scroll under way.
  const shown = useRef("");
  useLayoutEffect(() => {
    const key = `${last.row} ${last.above} ${fullHeight} ${follow} ${exact}`;
    if (key === shown.current) return;
    const wasExact = shown.current.endsWith("true");
    shown.current = key;
    if (follow) go(last, false);
    else if (!exact || !wasExact) go(now.current.place, false);
  });

  return {
    place,
    viewHeight,
    fullHeight,
    atEnd: isAt(place, last),
    show: useCallback((row: number) => go({ row: Math.max(0, row - 3), above: 0 }, true), [go]),
    toEnd: useCallback(() => go(now.current.last, true), [go]),
  };
}
