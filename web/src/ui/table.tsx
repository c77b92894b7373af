// A table that scrolls by itself where it is too wide, and can be reached and read with a keyboard.

import type { ReactNode } from "react";

/** What stands in a head: a word, or a word over numbers. */
export type Head = string | { text: string; number?: boolean; hidden?: boolean };

export function Table({
  label,
  heads,
  children,
}: {
  label: string;
  heads: readonly Head[];
  children: ReactNode;
}) {
  return (
    <section className="scroll" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {heads.map(head => {
              const {
                text,
                number = false,
                hidden = false,
              } = typeof head === "string" ? { text: head } : head;
              return (
                <th key={text} scope="col" className={number ? "number" : undefined}>
                  {hidden ? <span className="sr-only">{text}</span> : text}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}
