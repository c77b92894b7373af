// Quantities such as 500m, 16Mi, 1e3: compared and added in thousandths, which is enough for what admission does.
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/

export const quantityPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;

const units: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** As a number of whole units. */
export function quantityValue(text: string): number {
  const found = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]i?|Ki)|[eE]([+-]?\d+))?$/.exec(text);
  if (found === null) return Number.NaN;
  const [, number, unit = "", exponent] = found;
  const value = Number(number) * (exponent === undefined ? units[unit]! : 10 ** Number(exponent));
  // 0.1 + 0.2 in floating point is not what a quantity is.
  return Math.round(value * 1e9) / 1e9;
}

/** Cores as `500m` or `2`, anything else in the largest binary unit that divides it. */
export function quantityText(value: number, binary: boolean): string {
  if (!Number.isInteger(value)) return `${Math.ceil(value * 1000 - 1e-6)}m`;
  if (!binary || value === 0) return String(value);
  for (const unit of ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"]) {
    if (value % units[unit]! === 0) return `${value / units[unit]!}${unit}`;
  }
  return String(value);
}
