/** Values to pixels. */
export type Scale = (value: number) => number;

/** Each doubling takes the same way. One value alone lies in the middle. */
export function logScale(from: number, to: number, start: number, end: number): Scale {
  return (value) => (from === to ? (start + end) / 2 : start + ((end - start) * Math.log(value / from)) / Math.log(to / from));
}

/** From 0. */
export function linearScale(to: number, start: number, end: number): Scale {
  return (value) => start + ((end - start) * value) / to;
}

/** Round numbers from 0 to the first that is not below `most`: 1, 2 or 5 times a power of ten apart, four to seven of them. */
export function roundTicks(most: number): number[] {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** Powers of two between two values, both included where they are such; every other one where there are many. */
export function doublings(from: number, to: number): number[] {
  const first = Math.ceil(Math.log2(from) - 1e-9);
  const last = Math.floor(Math.log2(to) + 1e-9);
  const stride = last - first > 7 ? 2 : 1;
  return Array.from({ length: Math.floor((last - first) / stride) + 1 }, (_, index) => 2 ** (last - index * stride)).toReversed();
}

/** 1024 as "1k". */
export function tokensText(tokens: number): string {
  return tokens >= 1024 && tokens % 1024 === 0 ? `${tokens / 1024}k` : String(tokens);
}
