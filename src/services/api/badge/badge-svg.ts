// A badge as an SVG of our own: two fields of text, without script, font or anything that would be fetched.

export interface Badge {
  label: string;
  text: string;
  /** CSS colour of the right field. */
  color: string;
}

const charWidth = 6.6;
const padding = 6;
const mostChars = 40;

/** Any text may stand in it: it is cut and escaped. */
export function badgeSvg({ label, text, color }: Badge): string {
  const left = shown(label);
  const right = shown(text);
  const leftWidth = widthOf(left);
  const width = leftWidth + widthOf(right);
  const title = `${escaped(left)}: ${escaped(right)}`;
  const field = (content: string, middle: number) =>
    `<text x="${middle}" y="14" fill="#010101" fill-opacity=".3">${escaped(content)}</text>` +
    `<text x="${middle}" y="13">${escaped(content)}</text>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="20" role="img" aria-label="${title}">` +
    `<title>${title}</title><clipPath id="r"><rect width="${width}" height="20" rx="3"/></clipPath>` +
    `<g clip-path="url(#r)"><rect width="${leftWidth}" height="20" fill="#484f58"/>` +
    `<rect x="${leftWidth}" width="${width - leftWidth}" height="20" fill="${color}"/></g>` +
    `<g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">` +
    field(left, leftWidth / 2) +
    field(right, leftWidth + (width - leftWidth) / 2) +
    "</g></svg>\n"
  );
}

function shown(text: string): string {
  const chars = [...text.replace(/[\p{Cc}\p{Cs}]|\ufffe|\uffff/gu, "")];
  return chars.length > mostChars ? `${chars.slice(0, mostChars - 1).join("")}…` : chars.join("");
}

function widthOf(text: string): number {
  return Math.round([...text].length * charWidth + 2 * padding);
}

function escaped(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, char => entities[char]!);
}
