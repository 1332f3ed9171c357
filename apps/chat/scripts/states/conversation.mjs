import { answer, ask, openSidebar, quick, start } from "./steps.mjs";

/** Conversations, and what is set for them. @type {import("./steps.mjs").States} */
export const conversationStates = {
  ready: { scenario: quick, steps: start },
  reading: {
    scenario: { ...quick, holdReading: true },
    steps: async (page) => {
      await start(page);
      await page.getByRole("textbox", { name: "Message" }).fill("Summarise this, please. ".repeat(60));
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await page.getByText(/Reading \d/).waitFor();
    },
  },
  streaming: {
    scenario: { ...quick, wordMs: 3, answer, holdAfterWords: 60 },
    steps: async (page) => {
      await start(page);
      await page.getByRole("textbox", { name: "Message" }).fill("How do I make a good pot of green tea?");
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await page.getByText("What you need").waitFor();
      await page.waitForTimeout(900);
    },
  },
  conversation: {
    tested: true,
    scenario: { ...quick, wordMs: 3, answer },
    steps: async (page) => {
      await start(page);
      await ask(page, "How do I make a good pot of green tea?");
      await page.locator(".scroller").evaluate((element) => element.scrollTo(0, 0));
      await page.getByRole("button", { name: "Latest" }).waitFor();
    },
  },
  "conversation-end": {
    scenario: { ...quick, wordMs: 2, answer },
    steps: async (page) => {
      await start(page);
      await ask(page, "How do I make a good pot of green tea?");
      await ask(page, "Thank you! And in one sentence?\nI have a cup and a sieve.");
    },
  },
  sidebar: {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      for (const question of [
        "Why is the sky blue?",
        "Ideas for a simple dinner on a cold evening in November",
        "A short poem about autumn rain",
      ]) {
        await ask(page, question);
        await page.keyboard.press("Control+Shift+O");
      }
      await openSidebar(page);
      await page.getByRole("link", { name: "Why is the sky blue?" }).click();
      await openSidebar(page);
    },
  },
  editing: {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await ask(page, "Why is the sky blue?");
      await ask(page, "And at sunset?");
      await page.getByRole("button", { name: "Edit message" }).first().click();
    },
  },
  undo: {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await ask(page, "Why is the sky blue?");
      await ask(page, "And at sunset?");
      await page.locator(".question").first().hover();
      await page.getByRole("button", { name: "Delete message and answer" }).first().click();
    },
  },
  "answer-failed": {
    scenario: { ...quick, answer, answerError: "device-lost" },
    steps: async (page) => {
      await start(page);
      await page.getByRole("textbox", { name: "Message" }).fill("How do I make a good pot of green tea?");
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await page.getByRole("alert").first().waitFor();
    },
  },
  "gpu-offered": {
    scenario: { ...quick, gpu: "later" },
    steps: async (page) => {
      await start(page);
      await ask(page, "Why is the sky blue?");
      await page.evaluate(() => {
        performance.now = () => 1e9;
        document.dispatchEvent(new Event("visibilitychange"));
      });
      await page.getByText("A graphics card is available now.").waitFor();
    },
  },
  shortcuts: {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await page.keyboard.press("Control+/");
    },
  },
  settings: {
    tested: true,
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await page.keyboard.press("Control+,");
      await page.getByRole("dialog").waitFor();
    },
  },
  "settings-processor": {
    scenario: { ...quick, gpu: "none" },
    steps: async (page) => {
      await start(page);
      await page.keyboard.press("Control+,");
      await page.getByText("2 threads compute").waitFor();
    },
  },
};
