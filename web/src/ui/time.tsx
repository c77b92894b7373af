// Times in the reader's zone and words; lengths of time. All that move share one clock for each pace.

import { useSyncExternalStore } from "react";

const language = undefined;
const whole = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const dayAndTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

interface Pace {
  now: number;
  heard: Set<() => void>;
  timer: ReturnType<typeof setInterval> | undefined;
}
const paces = new Map<number, Pace>();

/** Milliseconds since the epoch, again every `everyMs`; stands still while nobody can see it. */
export function useNow(everyMs: number): number {
  let pace = paces.get(everyMs);
  if (pace === undefined) {
    pace = { now: Date.now(), heard: new Set(), timer: undefined };
    paces.set(everyMs, pace);
  }
  const own = pace;
  return useSyncExternalStore(
    heard => {
      own.heard.add(heard);
      own.timer ??= setInterval(() => {
        if (document.visibilityState === "hidden") return;
        own.now = Date.now();
        for (const tell of own.heard) tell();
      }, everyMs);
      return () => {
        own.heard.delete(heard);
        if (own.heard.size > 0) return;
        clearInterval(own.timer);
        own.timer = undefined;
      };
    },
    () => own.now,
  );
}

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

export function relativeText(at: number, now: number): string {
  const seconds = (at - now) / 1000;
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return seconds > 5 ? relative.format(Math.trunc(seconds), "second") : "just now";
}

/** "3 min. ago"; the exact time in the reader's zone is the title. */
export function Ago({ at }: { at: string }) {
  const now = useNow(10_000);
  const date = new Date(at);
  return (
    <time dateTime={at} title={whole.format(date)} className="nowrap">
      {relativeText(date.getTime(), Math.max(now, Date.now()))}
    </time>
  );
}

/** Day and time in the reader's zone. */
export function At({ at }: { at: string }) {
  const date = new Date(at);
  return (
    <time dateTime={at} title={whole.format(date)}>
      {dayAndTime.format(date)}
    </time>
  );
}

/** `40 ms`, `4.2 s`, `12 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function durationText(ms: number): string {
  if (ms < 950) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${(Math.round(seconds * 10) / 10).toString()} s`;
  const all = Math.round(seconds);
  if (all < 60) return `${all} s`;
  if (all < 3600) {
    const rest = all % 60 === 0 ? "" : ` ${String(all % 60).padStart(2, "0")} s`;
    return `${Math.floor(all / 60)} min${rest}`;
  }
  if (all < 86_400)
    return `${Math.floor(all / 3600)} h ${String(Math.floor((all % 3600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(all / 86_400)} d ${Math.floor((all % 86_400) / 3600)} h`;
}

/** From `from` to `to`, or to now as long as there is no end. */
export function Duration({ from, to }: { from: string | null; to: string | null }) {
  if (from === null) return <span className="muted">–</span>;
  if (to !== null) return <span className="nowrap">{durationText(Date.parse(to) - Date.parse(from))}</span>;
  return <Running from={from} />;
}

function Running({ from }: { from: string }) {
  const now = useNow(1000);
  const seconds = Math.floor(Math.max(0, Math.max(now, Date.now()) - Date.parse(from)) / 1000);
  return <span className="nowrap">{seconds < 10 ? `${seconds} s` : durationText(seconds * 1000)}</span>;
}

export function bytesText(bytes: number): string {
  const steps = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let step = 0;
  for (; value >= 1024 && step < steps.length - 1; step++) value /= 1024;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${steps[step]}`;
}
