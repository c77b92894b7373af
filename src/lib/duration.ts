// Durations as people read them.

/** `3.21s`, `1m 5s`, `2h 3m`. Milliseconds in. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  // 59.996 would be shown as 60.00s.
  if (seconds < 59.995) return `${seconds.toFixed(2)}s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}
