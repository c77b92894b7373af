// The first thing that runs in a browser.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
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
const queries = new QueryClient({
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
keepFresh(queries);
startStream();
listenToKeys();

createRoot(document.getElementById("app")!).render(
  <QueryClientProvider client={queries}>
    <App />
  </QueryClientProvider>,
);
