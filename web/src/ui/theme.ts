// Light, dark, or as the machine has it. Kept in this browser.

import { useSyncExternalStore } from "react";

export type Theme = "auto" | "light" | "dark";
const key = "slipway-theme";
const heard = new Set<() => void>();

function kept(): Theme {
  try {
    const value = localStorage.getItem(key);
    return value === "light" || value === "dark" ? value : "auto";
  } catch {
    return "auto";
  }
}

let theme: Theme = kept();

/** Before the first paint. */
export function applyTheme(): void {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function setTheme(next: Theme): void {
  theme = next;
  try {
    localStorage.setItem(key, next);
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
  applyTheme();
  for (const tell of heard) tell();
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    tell => {
      heard.add(tell);
      return () => heard.delete(tell);
    },
    () => theme,
  );
}
