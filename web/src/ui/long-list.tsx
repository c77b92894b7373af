// A list that may have thousands of entries of any height: of a long one only what is near the window exists. Focus that moves on by `j`
// brings the next ones.

import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";

interface LongListProps<T> {
  items: readonly T[];
  keyOf: (item: T) => string;
  label: string;
  children: (item: T) => ReactNode;
}

/** So many are no trouble to any browser, and can be found by its own search. */
const few = 100;
const usualHeight = 64;
const beyond = 12;

export function LongList<T>(props: LongListProps<T>) {
  if (props.items.length > few) return <Windowed {...props} />;
  return (
    <ul className="list" aria-label={props.label}>
      {props.items.map(item => (
        <li key={props.keyOf(item)}>{props.children(item)}</li>
      ))}
    </ul>
  );
}

function Windowed<T>({ items, keyOf, label, children }: LongListProps<T>) {
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    setTop(Math.round((list.current?.getBoundingClientRect().top ?? 0) + scrollY));
  }, []);
  const windowed = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => usualHeight,
    overscan: beyond,
    scrollMargin: top,
    getItemKey: at => keyOf(items[at]!),
  });
  return (
    <ul
      className="list"
      aria-label={label}
      ref={list}
      style={{ height: windowed.getTotalSize(), position: "relative" }}
    >
      {windowed.getVirtualItems().map(({ key, index, start }) => (
        <li
          key={key}
          data-index={index}
          ref={windowed.measureElement}
          aria-setsize={items.length}
          aria-posinset={index + 1}
          style={{
            position: "absolute",
            top: 0,
            left: 0,
            width: "100%",
            transform: `translateY(${start - top}px)`,
          }}
        >
          {children(items[index]!)}
        </li>
      ))}
    </ul>
  );
}
