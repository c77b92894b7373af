// Variables and secrets of a project. What is protected is never shown again.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function VariablesPage() {
  usePageTitle("Variables");
  return (
    <div className="stack">
      <PageHead title="Variables" />
    </div>
  );
}
