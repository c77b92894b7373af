// The first thing that runs in a browser.

import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { askWhoIAm, hearOtherPages, sessionMayBeOver } from "./api/session.ts";
import { mayPass } from "./api/use-api.ts";
import { App } from "./app.tsx";
import { startStream } from "./live/connect.ts";
import { keepFresh } from "./live/stale-on.ts";
import { listenToKeys } from "./ui/shortcuts.tsx";
import { applyTheme } from "./ui/theme.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";

applyTheme();
/** Signed out elsewhere, run out, or another person's by now: found out when a call is refused. */
const onError = (error: unknown) => {
  if (sessionMayBeOver(error)) void queries.invalidateQueries({ queryKey: ["me"] });
};
const queries = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      // The stream says what is old; this is the net below it.
      staleTime: 30_000,
      gcTime: 5 * 60_000,
      retry: (failures, error) => failures < 3 && mayPass(error),
      retryDelay: tries => Math.min(500 * 2 ** tries, 10_000),
      networkMode: "always",
    },
    mutations: { networkMode: "always", retry: false },
  },
});
askWhoIAm(queries);
keepFresh(queries);
startStream();
listenToKeys();
hearOtherPages(queries);

createRoot(document.getElementById("app")!).render(
  <QueryClientProvider client={queries}>
    <App />
  </QueryClientProvider>,
);
