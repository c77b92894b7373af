// Plots of a project, each with its numbers.

import { PageHead, usePageTitle } from "../../ui/page.tsx";

export default function FiguresPage() {
  usePageTitle("Figures");
  return (
    <div className="stack">
      <PageHead title="Figures" />
    </div>
  );
}
