/** Figures as a person of a language reads them. Decimal units, as browsers and download pages count. */
export class Figures {
  readonly #language: string;

  constructor(language: string) {
    this.#language = language;
  }

  /** "98 MB", "1.2 GB". */
  bytes(bytes: number): string {
    const [unit, size] =
      bytes < 999.5e3 ? (["kilobyte", 1e3] as const) : bytes < 999.5e6 ? (["megabyte", 1e6] as const) : (["gigabyte", 1e9] as const);
    const value = bytes / size;
    return this.#format(value, { unit, unitDisplay: "short", maximumFractionDigits: value < 9.95 && unit !== "kilobyte" ? 1 : 0 });
  }

  /** "8 sec", "3 min": coarse, because it is an estimate. */
  time(seconds: number): string {
    const [unit, value] = seconds < 55 ? (["second", Math.ceil(seconds / 5) * 5] as const) : (["minute", Math.ceil(seconds / 60)] as const);
    return this.#format(seconds < 10 ? Math.max(1, Math.ceil(seconds)) : value, { unit, unitDisplay: "long" });
  }

  #format(value: number, options: Intl.NumberFormatOptions): string {
    return new Intl.NumberFormat(this.#language, { style: "unit", ...options }).format(value);
  }
}
