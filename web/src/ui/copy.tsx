// A line to copy, such as a command.

import { useState } from "react";
import { toastError } from "./toasts.tsx";

export function CopyLine({ text, label }: { text: string; label: string }) {
  return (
    <div className="copy">
      {/* What is wider than its box is scrolled by keys, too. */}
      <code tabIndex={0}>{text}</code>
      <CopyButton text={text} label={label} />
    </div>
  );
}

/** `label` says what is copied, to screen readers; `show` is what the button shows. */
export function CopyButton({ text, label, show = "Copy" }: { text: string; label: string; show?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await copyText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <button type="button" className="button small plain" aria-label={label} onClick={() => void copy()}>
      {copied ? "Copied" : show}
    </button>
  );
}

/** Without https there is no clipboard but by the old way. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
