// The forms of names that Kubernetes checks, and its words for those that do not fit.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/

const labelText = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomainText = `${labelText}(\\.${labelText})*`;
const label1035Text = "[a-z]([-a-z0-9]*[a-z0-9])?";
const valueText = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const keyText = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const whole = (text: string) => new RegExp(`^(?:${text})$`);
const [label, subdomain, label1035, value, key] = [
  labelText,
  subdomainText,
  label1035Text,
  valueText,
  keyText,
].map(whole) as [RegExp, RegExp, RegExp, RegExp, RegExp];

const longer = (most: number) => `must be no more than ${most} ${most === 1 ? "character" : "characters"}`;
const regex = (text: string, ...examples: string[]) =>
  `(e.g. ${examples
    .map(each => `'${each}'`)
    .join(", or ")
    .replace(/, or /g, ",  or ")}, regex used for validation is '${text}')`;

/** What is wrong with it; empty where nothing is. */
export function labelFaults(name: string): string[] {
  const faults = name.length > 63 ? [longer(63)] : [];
  if (label.test(name)) return faults;
  if (subdomain.test(name)) return [...faults, "must not contain dots"];
  return [
    ...faults,
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end " +
      `with an alphanumeric character ${regex(labelText, "my-name", "123-abc")}`,
  ];
}

export function subdomainFaults(name: string): string[] {
  const faults = name.length > 253 ? [longer(253)] : [];
  if (subdomain.test(name)) return faults;
  return [
    ...faults,
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start " +
      `and end with an alphanumeric character ${regex(subdomainText, "example.com")}`,
  ];
}

export function label1035Faults(name: string): string[] {
  const faults = name.length > 63 ? [longer(63)] : [];
  if (label1035.test(name)) return faults;
  return [
    ...faults,
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic " +
      `character, and end with an alphanumeric character ${regex(label1035Text, "my-name", "abc-123")}`,
  ];
}

export function pathSegmentFaults(name: string): string[] {
  if (name === "." || name === "..") return [`may not be '${name}'`];
  return ["/", "%"].filter(each => name.includes(each)).map(each => `may not contain '${each}'`);
}

export function labelValueFaults(text: string): string[] {
  const faults = text.length > 63 ? [longer(63)] : [];
  if (value.test(text)) return faults;
  return [
    ...faults,
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start " +
      `and end with an alphanumeric character ${regex(valueText, "MyValue", "my_value", "12345")}`,
  ];
}

/** Of labels, annotations, taints: `prefix/name`. */
export function qualifiedNameFaults(text: string): string[] {
  const parts = text.split("/");
  const form =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
    `character ${regex(keyText, "MyName", "my.name", "123-abc")}`;
  if (parts.length > 2) {
    return [
      "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
        `alphanumeric character ${regex(keyText, "MyName", "my.name", "123-abc")} with an optional DNS subdomain ` +
        "prefix and '/' (e.g. 'example.com/MyName')",
    ];
  }
  const name = parts.at(-1)!;
  const prefix = parts.length === 2 ? parts[0]! : undefined;
  const faults: string[] = [];
  if (prefix === "") faults.push("prefix part must be non-empty");
  else if (prefix !== undefined) faults.push(...subdomainFaults(prefix).map(each => `prefix part ${each}`));
  if (name === "") faults.push("name part must be non-empty");
  else if (name.length > 63) faults.push(`name part ${longer(63)}`);
  if (!key.test(name)) faults.push(form);
  return faults;
}

/** Of ports: at most 15 letters. */
export function portNameFaults(name: string): string[] {
  const faults: string[] = [];
  if (name.length > 15) faults.push(longer(15));
  if (!/^[-a-z0-9]+$/.test(name))
    faults.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(name)) faults.push("must contain at least one letter (a-z)");
  if (name.includes("--")) faults.push("must not contain consecutive hyphens");
  if (/^-|-$/.test(name)) faults.push("must not begin or end with a hyphen");
  return faults;
}

/** Any printable ASCII without `=` is a name of a variable since 1.32. */
export function envNameFaults(name: string): string[] {
  const form =
    "a valid environment variable name must consist only of printable ASCII characters other than '='";
  return /^[ -<>-~]+$/.test(name) ? [] : [form];
}
