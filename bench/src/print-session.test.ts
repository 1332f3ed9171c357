import { expect, it } from "vitest";
import { printSession } from "./print-session.ts";

it("compares a session with raw bytes, and with reading it again", () => {
  const seconds = { prefillSeconds: 90, writeSeconds: 1.5, restoreSeconds: 1.25, rawWriteSeconds: 1, rawReadSeconds: 0.25 };
  expect(printSession({ where: "2 threads", tokens: 8000, bytes: 113e6, ...seconds })).toMatchInlineSnapshot(`
    "2 threads

    8000 tokens, 113 MB     s  raw, s  beyond, s
    kept in IndexedDB    1.50    1.00        0.5
    brought back         1.25    0.25       1.00
    read again instead   90.0"
  `);
});
