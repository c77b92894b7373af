// A plot over runs, drawn by uPlot, with its numbers as a table for who cannot see it or wants them exactly. What the pointer is at is told
// in words, and a click goes there. Colours are those of the page, light or dark.

import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { Table } from "./table.tsx";
import { useTheme } from "./theme.ts";

export interface Series {
  label: string;
  /** A colour of `tokens.css`, such as `--passed`. */
  color: string;
  values: readonly (number | null)[];
}

export interface PlotProps {
  title: string;
  /** What stands below each place: run numbers. */
  labels: readonly string[];
  /** Of the first column. */
  labelTitle: string;
  series: readonly Series[];
  bars?: boolean;
  /** A value in words. */
  show: (value: number) => string;
  /** The highest value of the scale; unless told, that of the data. */
  most?: number;
  /** Marks of the scale up to a value, and their words. Unless told, round numbers as `show` has them. */
  ticks?: { at: (most: number) => number[]; text: (value: number) => string };
  /** Goes to what stands at a place. */
  open?: (at: number) => void;
}

const height = 200;

export function Plot(props: PlotProps) {
  const { title, labels, labelTitle, series, show } = props;
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const theme = useTheme();
  const isDark = useDark();
  const latest = useRef(props);
  latest.current = props;
  const key = JSON.stringify([labels, series, theme, isDark]);
  useEffect(() => {
    const element = box.current;
    if (element === null || key === "") return;
    const plot = draw(element, latest.current, setAt);
    // Not the only way: the numbers below say the same, and the runs have their own list.
    plot.over.addEventListener("click", () => {
      const { idx } = plot.cursor;
      if (idx != null) latest.current.open?.(idx);
    });
    const sized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    sized.observe(element);
    return () => {
      sized.disconnect();
      plot.destroy();
    };
  }, [key]);
  return (
    <figure className="plot">
      <figcaption>
        <h3>{title}</h3>
        <ul className="plot-legend small">
          {at !== null && <li className="muted">{labels[at]}</li>}
          {series
            .filter(({ values }) => at === null || values[at] != null)
            .map(({ label, color, values }) => (
              <li key={label}>
                <span className="plot-key" style={{ background: `var(${color})` }} aria-hidden="true" />
                {label} {at !== null && <strong>{show(values[at]!)}</strong>}
              </li>
            ))}
        </ul>
      </figcaption>
      <div
        ref={box}
        aria-hidden="true"
        className="plot-box"
        style={{ height, cursor: props.open && at !== null ? "pointer" : undefined }}
      />
      <details className="small">
        <summary>The numbers</summary>
        <div className="plot-numbers">
          <Table
            numbers
            label={`Numbers of: ${title}`}
            heads={[labelTitle, ...series.map(({ label }) => ({ text: label, number: true }))]}
            rows={labels.map((label, at) => ({
              key: label,
              cells: [label, ...series.map(({ values }) => (values[at] == null ? "–" : show(values[at])))],
            }))}
          />
        </div>
      </details>
    </figure>
  );
}

function draw(element: HTMLElement, props: PlotProps, point: (at: number | null) => void): uPlot {
  const { labels, series, bars = false, show, most, ticks } = props;
  const style = getComputedStyle(element);
  // Custom properties hold `light-dark(...)`: what comes of it is known of a colour that is used.
  const colour = (name: string) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    element.append(probe);
    const used = getComputedStyle(probe).color;
    probe.remove();
    return used;
  };
  const axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  const font = `12px ${style.fontFamily}`;
  const text = ticks?.text ?? show;
  return new uPlot(
    {
      width: element.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false, setScale: false } },
      hooks: {
        setCursor: [({ cursor: { idx, left } }) => point(idx == null || (left ?? -1) < 0 ? null : idx)],
      },
      scales: {
        x: { time: false, range: () => [-0.6, labels.length - 0.4] },
        y: { range: (_plot, _low, high) => [0, most ?? Math.max(high ?? 0, 1e-9) * 1.08] },
      },
      axes: [
        {
          ...axis,
          font,
          size: 26,
          gap: 6,
          grid: { show: false },
          values: (_plot, places) => places.map(at => (Number.isInteger(at) ? (labels[at] ?? "") : "")),
        },
        {
          ...axis,
          font,
          size: (_plot, texts) => 14 + 7.5 * Math.max(0, ...(texts ?? []).map(each => each.length)),
          ...(ticks === undefined ? {} : { splits: (_plot, _axis, _low, high) => ticks.at(high) }),
          values: (_plot, values) => values.map(text),
        },
      ],
      series: [
        {},
        ...series.map(({ label, color }) => ({
          label,
          stroke: colour(color),
          width: bars ? 0 : 2,
          spanGaps: true,
          points: { show: !bars, size: 6, fill: colour(color) },
          ...(bars ? { fill: colour(color), paths: uPlot.paths.bars!({ size: [0.7, 40], align: 0 }) } : {}),
        })),
      ],
    },
    [labels.map((_, at) => at), ...series.map(({ values }) => [...values])],
    element,
  );
}

function useDark(): boolean {
  const [query] = useState(() => matchMedia("(prefers-color-scheme: dark)"));
  const [isDark, setDark] = useState(query.matches);
  useEffect(() => {
    const heard = () => setDark(query.matches);
    query.addEventListener("change", heard);
    return () => query.removeEventListener("change", heard);
  }, [query]);
  return isDark;
}
