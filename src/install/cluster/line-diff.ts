// Two texts, line by line: what went, what came, and a few lines around it. For people to read.

const around = 3;
/** Above this many pairs of lines the middle is told as one change: no object of ours comes near. */
const mostPairs = 4_000_000;

/** Lines with `-`, `+` or a space in front; empty where nothing differs. */
export function lineDiff(before: string, after: string): string[] {
  const [a, b] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const middle = changes(a.slice(start, a.length - end), b.slice(start, b.length - end));
  const all = [
    ...a.slice(0, start).map(line => ` ${line}`),
    ...middle,
    ...a.slice(a.length - end).map(line => ` ${line}`),
  ];
  return withContext(all);
}

/** By the longest common subsequence. */
function changes(a: string[], b: string[]): string[] {
  if (a.length * b.length > mostPairs) return [...a.map(line => `-${line}`), ...b.map(line => `+${line}`)];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        a[i] === b[j]
          ? longest[(i + 1) * width + j + 1]! + 1
          : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
    }
  }
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(` ${a[i]}`);
      i++;
      j++;
    } else if (
      j >= b.length ||
      (i < a.length && longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!)
    ) {
      lines.push(`-${a[i++]}`);
    } else lines.push(`+${b[j++]}`);
  }
  return lines;
}

function withContext(lines: string[]): string[] {
  const near = lines.map((_, at) =>
    lines.slice(Math.max(0, at - around), at + around + 1).some(line => !line.startsWith(" ")),
  );
  return lines.flatMap((line, at) => {
    if (near[at]) return [line];
    return near[at - 1] || (at === 0 && near.includes(true)) ? [" ..."] : [];
  });
}
