// The field that `/` leads to. The key stands in it, as a sign that it does.

import type { ComponentProps } from "react";

export function SearchField(props: ComponentProps<"input">) {
  return (
    <span className="keyed">
      <input type="search" data-search="" aria-keyshortcuts="/" {...props} />
    </span>
  );
}
