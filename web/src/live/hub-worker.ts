// The shared worker: one hub for all pages of this browser.

import { createHub, type ToHub } from "./hub.ts";

const hub = createHub(location.origin);

(globalThis as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = event => {
  const port = event.ports[0]!;
  const page = hub.join(message => port.postMessage(message));
  port.onmessage = ({ data }: MessageEvent<ToHub>) => page.hear(data);
};
