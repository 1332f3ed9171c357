import { formatBytes } from "../text/format.ts";

/** What a model asks of a device. Bytes. */
export interface Need {
  /** Of its file. */
  size: number;
  /** Of it that are stored already. */
  storedBytes: number;
  /** That a full conversation takes at most; undefined where nothing is known of the model yet. */
  conversation: number | undefined;
}

/** What is known of a device. Bytes; undefined where the browser does not say. */
export interface Device {
  freeStorage: number | undefined;
  memory: number | undefined;
}

export interface Fit {
  verdict: "fits" | "tight" | "too large" | "unknown";
  /** Why, one sentence. */
  why: string;
}

/** A browser gives a tab about half of the memory that there is, and other pages want some of it. */
const COMFORTABLE_SHARE = 0.4;
const LARGEST_SHARE = 0.75;
/** Browsers say no more than this, so that a device is not known by it: there may be more. */
const MOST_TOLD = 8 * 2 ** 30;

/** Whether a model fits: first into what the browser lets the page store, then into memory. */
export function judgeFit({ size, storedBytes, conversation = 0 }: Need, { freeStorage, memory }: Device): Fit {
  const missing = size - storedBytes;
  if (freeStorage !== undefined && missing > freeStorage) {
    return {
      verdict: "too large",
      why: `It needs ${formatBytes(missing)} of storage, and the browser grants ${formatBytes(freeStorage)} more.`,
    };
  }
  const takes = `It takes up to ${formatBytes(size + conversation)} of memory`;
  if (memory === undefined) return { verdict: "unknown", why: `${takes}; this browser does not say how much there is.` };
  const share = (size + conversation) / memory;
  // Memory is sold in powers of two and called by those of ten.
  const has = `this device has ${memory / 2 ** 30}\u00a0GB${memory >= MOST_TOLD ? " or more" : ""}`;
  if (share <= COMFORTABLE_SHARE) return { verdict: "fits", why: `${takes}; ${has}.` };
  if (share <= LARGEST_SHARE || memory >= MOST_TOLD) return { verdict: "tight", why: `${takes}; ${has}. Close other pages first.` };
  return { verdict: "too large", why: `${takes}; ${has}.` };
}

/** What this browser tells of the device; `navigator.deviceMemory` is in GiB and Chromium's own. */
export function deviceMemory(): number | undefined {
  const { deviceMemory: gib } = navigator as Navigator & { deviceMemory?: number };
  return gib === undefined ? undefined : gib * 2 ** 30;
}
