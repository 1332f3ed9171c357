import { quick, start } from "./steps.mjs";

/** The model before it is ready: first visits, downloads, what goes wrong. @type {import("./steps.mjs").States} */
export const modelStates = {
  "first-visit": { scenario: {}, tested: true },
  "first-visit-other": { scenario: {}, steps: async (page) => page.getByText("Use another model").click() },
  resume: { scenario: { stored: "part" } },
  stored: { scenario: { stored: "all", gpu: "none" } },
  loading: {
    scenario: { holdLoadAt: "download" },
    steps: async (page) => {
      await page.getByRole("button", { name: /Load model/ }).click();
      await page.getByText(/39 of 98/).waitFor();
    },
  },
  "loading-processor": {
    scenario: { stored: "all", gpu: "none", holdLoadAt: "upload" },
    steps: async (page) => {
      await page.getByRole("button", { name: "Start", exact: true }).click();
      await page.getByText(/39 of 98/).waitFor();
    },
  },
  "load-failed": {
    scenario: { loadError: "quota-exceeded" },
    steps: async (page) => {
      await page.getByRole("button", { name: /Load model/ }).click();
      await page.getByRole("alert").waitFor();
    },
  },
  unavailable: { scenario: { unavailable: true } },
  models: {
    tested: true,
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await page.getByTitle("Models").click();
      await page.getByRole("dialog", { name: "Models" }).waitFor();
    },
  },
};
