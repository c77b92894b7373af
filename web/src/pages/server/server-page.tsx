// For administrators: people, organisations, workers' tokens, the log of changes.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function ServerPage() {
  usePageTitle("Server");
  return (
    <div className="stack">
      <PageHead title="Server" />
    </div>
  );
}
