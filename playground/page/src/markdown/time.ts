// <t:...>: a moment in the reader's own time zone, or how far away it is.

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86400],
  ["month", 30 * 86400],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

const STYLES: Record<string, Intl.DateTimeFormatOptions> = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

/** Says how far a moment is from now: "in 12 seconds", "3 minutes ago". */
export function relative(seconds: number, nowSeconds: number): string {
  const away = Math.round(seconds - nowSeconds);
  const [unit, size] = UNITS.find(([, length]) => Math.abs(away) >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.trunc(away / size), unit);
}

export function absolute(seconds: number, style: string): string {
  return new Intl.DateTimeFormat(undefined, STYLES[style] ?? STYLES.f).format(new Date(seconds * 1000));
}

/** How long a shown text stays true, in milliseconds. */
export function nextChange(seconds: number, nowSeconds: number): number {
  const away = Math.abs(seconds - nowSeconds);
  return away < 120 ? 1000 : away < 7200 ? 15_000 : 300_000;
}
