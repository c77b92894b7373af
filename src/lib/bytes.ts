// Sizes as people read them.

const units = ["B", "KiB", "MiB", "GiB"];

/** `512 B`, `1.2 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.96 would be shown as 1024.0.
  while (unit < units.length - 1 && value >= (unit === 0 ? 1024 : 1023.95)) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** In whole units, cut off: `1 MiB` up to one byte less than two. As the predecessor logs sizes. */
export function formatWholeBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (unit < units.length - 1 && value >= 1024) {
    value = Math.floor(value / 1024);
    unit += 1;
  }
  return `${value} ${units[unit]}`;
}
