/** Figures as a person reads them. Decimal units, as browsers and download pages count. */

/** Keeps a figure and its unit on one line. */
const NO_BREAK = "\u00a0";

/** "98 MB", "1.2 GB", "512 bytes". */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} bytes`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = -1;
  // 999.5 and more would round to "1000 kB".
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = value < 9.95 && unit > 0 ? 1 : 0;
  return `${value.toFixed(digits).replace(/\.0$/, "")}${NO_BREAK}${units[Math.max(unit, 0)]}`;
}

/** "40 of 98 MB": both in the unit of the second. */
export function formatBytesOf(done: number, total: number): string {
  const whole = formatBytes(total);
  const part = formatBytes(Math.min(done, total));
  const [value, unit] = part.split(NO_BREAK);
  return unit !== undefined && whole.endsWith(unit) ? `${value} of ${whole}` : `${part} of ${whole}`;
}

/** "6.2 MB/s". */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** "about 5 s", "about 3 min", "about 2 h"; coarse, because it is an estimate. */
export function formatTimeLeft(seconds: number): string {
  if (seconds < 2) return "a moment";
  if (seconds < 10) return `about ${Math.ceil(seconds)} s`;
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} s`;
  if (seconds < 3570) return `about ${Math.ceil(seconds / 60)} min`;
  return `about ${Math.ceil(seconds / 3600)} h`;
}

/** "0.8 s", "12 s", "2 min 5 s". */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const rest = whole % 60;
  return rest === 0 ? `${Math.floor(whole / 60)} min` : `${Math.floor(whole / 60)} min ${rest} s`;
}

/** "8,192". */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/** "1 token", "128 tokens". */
export function formatTokens(count: number): string {
  return count === 1 ? "1 token" : `${formatCount(count)} tokens`;
}

/** Words in a token of English text, roughly. */
const WORDS_PER_TOKEN = 0.75;

/** "6,000 words": about so many, for so many tokens. */
export function formatWords(tokens: number): string {
  const words = tokens * WORDS_PER_TOKEN;
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(words, 1))) - 1);
  return `${formatCount(Math.round(words / unit) * unit)} words`;
}

/** "950", "12k", "1.2M": for a glance. */
export function formatShort(count: number): string {
  if (count < 999.5) return String(Math.round(count));
  const [value, unit] = count < 999_500 ? [count / 1000, "k"] : [count / 1e6, "M"];
  return `${value.toFixed(value < 9.95 ? 1 : 0).replace(/\.0$/, "")}${unit}`;
}

/** "0.42", "5.3", "48": three figures are more than a speed is known to. */
export function formatSpeed(perSecond: number): string {
  if (perSecond >= 9.95) return formatCount(perSecond);
  return perSecond >= 0.995 ? perSecond.toFixed(1) : perSecond.toFixed(2);
}

/** "135M", "1.1B". */
export function formatParameters(count: number): string {
  if (count >= 999.5e6) return `${(count / 1e9).toFixed(count < 9.95e9 ? 1 : 0).replace(/\.0$/, "")}B`;
  return `${Math.round(count / 1e6)}M`;
}

const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const AGES: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** "3 days ago", "yesterday", "just now". Milliseconds since 1970. */
export function formatAgo(time: number, now: number): string {
  const seconds = Math.max(0, (now - time) / 1000);
  for (const [unit, length] of AGES) if (seconds >= length) return AGO.format(-Math.floor(seconds / length), unit);
  return "just now";
}
