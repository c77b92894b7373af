// Which rows are seen, for any number of rows. As long as all of them fit into what browsers can scroll, the scroll bar's place is the
// text's place. Beyond that, and where long lines are wrapped, it is a share of the whole, and wheel and keys move the text itself. Pure.

export interface Heights {
  count: number;
  /** Of a row, in pixels. */
  heightOf(row: number): number;
}

/** A row and how much of it is above the edge, in pixels. */
export interface Place {
  row: number;
  above: number;
}

/** Browsers take no elements higher than some ten million pixels. */
export const mostPixels = 8_000_000;

/** The place at which the last row ends at the lower edge. */
export function lastPlace({ count, heightOf }: Heights, viewHeight: number): Place {
  let left = viewHeight;
  for (let row = count - 1; row >= 0; row--) {
    left -= heightOf(row);
    if (left <= 0) return { row, above: -left };
  }
  return { row: 0, above: 0 };
}

/** Moves a place by pixels, over rows of any height, no further than the ends. */
export function moved(heights: Heights, place: Place, pixels: number, last: Place): Place {
  let { row } = place;
  let above = place.above + pixels;
  while (above < 0 && row > 0) above += heights.heightOf(--row);
  if (above < 0) return { row: 0, above: 0 };
  while (row < heights.count - 1 && above >= heights.heightOf(row)) above -= heights.heightOf(row++);
  return earlier({ row, above }, last);
}

export function earlier(one: Place, other: Place): Place {
  return one.row < other.row || (one.row === other.row && one.above < other.above) ? one : other;
}

export function isAt(place: Place, last: Place): boolean {
  return place.row > last.row || (place.row === last.row && place.above >= last.above - 2);
}

/** Rows with their fraction, to compare with the scroll bar. */
export function asNumber({ row, above }: Place, heights: Heights): number {
  return heights.count === 0 ? 0 : row + Math.min(0.999, above / heights.heightOf(row));
}

export function fromNumber(number: number, heights: Heights): Place {
  if (heights.count === 0) return { row: 0, above: 0 };
  const row = Math.max(0, Math.min(heights.count - 1, Math.floor(number)));
  return { row, above: Math.max(0, number - row) * heights.heightOf(row) };
}

/** The rows from a place to the lower edge, and one more. */
export function seenRows(heights: Heights, place: Place, viewHeight: number): number[] {
  const rows: number[] = [];
  let left = viewHeight + place.above;
  for (let row = place.row; row < heights.count && left > -heights.heightOf(row); row++) {
    rows.push(row);
    left -= heights.heightOf(row);
  }
  return rows;
}
