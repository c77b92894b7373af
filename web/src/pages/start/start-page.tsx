// Leads from an empty server to the first green run.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function StartPage() {
  usePageTitle("First steps");
  return (
    <div className="stack">
      <PageHead title="First steps" />
    </div>
  );
}
