import { expect, test } from "vitest";
import { installWords } from "./install-words.ts";

const SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0";

test.each([
  ["an iPhone", `Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) ${SAFARI} Mobile/15E148 Safari/604.1`, 5, "Home Screen"],
  ["an iPad, which calls itself a Mac", `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${SAFARI} Safari/605.1.15`, 5, "Home Screen"],
  [
    "Chrome on an iPhone",
    `Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) ${SAFARI} CriOS/149.0 Mobile/15E148 Safari/604.1`,
    5,
    "Home Screen",
  ],
  ["Safari on a Mac", `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${SAFARI} Safari/605.1.15`, 0, "Add to Dock"],
  ["Firefox on Android", "Mozilla/5.0 (Android 16; Mobile; rv:149.0) Gecko/149.0 Firefox/149.0", 5, "browser’s menu"],
  ["Firefox on Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:149.0) Gecko/20100101 Firefox/149.0", 0, "taskbar"],
  ["Firefox on Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:149.0) Gecko/20100101 Firefox/149.0", 0, "keep a bookmark"],
])("tells how to install the page in %s", (_, userAgent, touchPoints, words) => {
  expect(installWords(userAgent, touchPoints)).toContain(words);
});

test.each([
  ["Chrome", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36"],
  ["Edge", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36 Edg/149.0.0.0"],
])("leaves it to %s, which makes its own offer", (_, userAgent) => {
  expect(installWords(userAgent, 0)).toBeUndefined();
});
