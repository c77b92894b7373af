// A table that scrolls by itself where it is too wide, and can be reached and read with a keyboard. On a phone each row is a card
// whose cells say what they are, unless it is numbers that are to be compared.

import type { ReactNode } from "react";

/** What stands in a head: a word, a word over numbers, or one that only screen readers need. */
export type Head = string | { text: string; number?: boolean; hidden?: boolean };

export interface Row {
  key: string | number;
  /** As many as there are heads; null for nothing. */
  cells: ReactNode[];
}

export function Table({
  label,
  heads,
  rows,
  numbers = false,
}: {
  label: string;
  heads: readonly Head[];
  rows: readonly Row[];
  numbers?: boolean;
}) {
  const all = heads.map(head => (typeof head === "string" ? { text: head } : head));
  return (
    <section className={`scroll ${numbers ? "numbers" : "cards"}`} aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {all.map(({ text, number, hidden }) => (
              <th key={text} scope="col" className={number ? "number" : undefined}>
                {hidden ? <span className="sr-only">{text}</span> : text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, cells }) => (
            <tr key={key}>
              {all.map(({ text, number, hidden }, at) => (
                <td key={text} className={number ? "number" : undefined} data-label={hidden ? "" : text}>
                  {cells[at]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
