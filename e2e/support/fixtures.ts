import { test as base } from "@playwright/test";

export { expect } from "@playwright/test";

/** Playwright's test, with the address that global-setup.ts serves the built page at: `page.goto("/")` opens the chat. */
export const test = base.extend({ baseURL: process.env["LONGTAB_URL"] });
