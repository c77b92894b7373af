// Amounts as Kubernetes writes them. https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/

/** Bytes, in the largest unit that leaves a whole number. */
export function bytesQuantity(bytes: number): string {
  let whole = Math.max(0, Math.floor(bytes));
  for (const unit of ["", "Ki", "Mi"]) {
    if (whole === 0 || whole % 1024 !== 0) return `${whole}${unit}`;
    whole /= 1024;
  }
  return `${whole}Gi`;
}

/** Cores, to a thousandth. */
export function coresQuantity(cores: number): string {
  const thousandths = Math.max(1, Math.round(cores * 1000));
  return thousandths % 1000 === 0 ? String(thousandths / 1000) : `${thousandths}m`;
}

const units: Readonly<Record<string, number>> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};

/** A quantity's value; undefined where the text is none. */
export function quantityValue(text: string): number | undefined {
  const match = /^\+?(\d+\.?\d*|\.\d+)(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
  if (match === null) return undefined;
  const [, number, exponent = "", unit = ""] = match;
  return Number(number + exponent) * units[unit]!;
}

/** The sum of two, exact enough to ask for room; the one that is there where the other is none. */
export function addQuantities(one: string | undefined, other: string | undefined, memory: boolean): string {
  const sum = (quantityValue(one ?? "0") ?? 0) + (quantityValue(other ?? "0") ?? 0);
  return memory ? bytesQuantity(Math.ceil(sum)) : coresQuantity(sum);
}
