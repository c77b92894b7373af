// Links that scroll sideways on a phone: the one of the page that is open is in sight.

import { type RefObject, useEffect, useRef } from "react";

/** For the list of the links; looks again when `current`, an address, is another one. */
export function useCurrentInSight(current: string): RefObject<HTMLUListElement | null> {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const link = current === "" ? null : list.current?.querySelector<HTMLElement>("[aria-current]");
    if (link != null) list.current!.scrollLeft = link.offsetLeft - list.current!.clientWidth / 3;
  }, [current]);
  return list;
}
