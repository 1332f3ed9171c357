import { ask, attach, quick, start } from "./steps.mjs";

/** What the model has of a conversation: the meter, long texts, what an answer looked at. @type {import("./steps.mjs").States} */
export const contextStates = {
  "context-full": {
    scenario: { ...quick, contextLength: 110 },
    steps: async (page) => {
      await start(page);
      await ask(page, "Why is the sky blue?");
      await ask(page, "And why is it red when the sun goes down, though it is the same air that the light comes through?");
      await page.getByRole("button", { name: /^Context/ }).click();
    },
  },
  "context-exceeded": {
    scenario: { ...quick, contextLength: 60 },
    steps: async (page) => {
      await start(page);
      await ask(
        page,
        "Why is the sky blue? Explain it to me as you would to a person who knows physics, and at length, please. ".repeat(3),
      );
    },
  },
  "meter-remembers": {
    tested: true,
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await attach(page, "The Sea-Wolf.txt", "The whale rose slowly from the deep. ".repeat(1800));
      await ask(page, "Who is the captain?");
      await page.getByRole("button", { name: /^Context/ }).click();
    },
  },
  "meter-endless": {
    scenario: { ...quick, retrieved: ["The whale rose"] },
    steps: async (page) => {
      await start(page);
      await page.keyboard.press("Control+,");
      await page.getByText("Endless", { exact: true }).click();
      await page.getByText("What is on your mind?").waitFor();
      await attach(page, "The Sea-Wolf.txt", "The whale rose slowly from the deep. ".repeat(900));
      await ask(page, "Who is the captain?");
      await page.getByRole("button", { name: /^Context/ }).click();
    },
  },
  attached: {
    scenario: quick,
    steps: async (page) => {
      await start(page);
      await ask(page, "Why is the sky blue?");
      await attach(page, "The Sea-Wolf.txt", "The whale rose slowly from the deep. ".repeat(6000));
      await attach(page, "notes of a very long journey through the north.md", "Snow again. ".repeat(400));
      await page.getByRole("textbox", { name: "Message" }).fill("Who is the captain?");
      await page
        .getByText(/tokens$/)
        .first()
        .waitFor();
    },
  },
  "reading-book": {
    scenario: { ...quick, holdReading: true, readMs: 4 },
    steps: async (page) => {
      await start(page);
      await attach(page, "The Sea-Wolf.txt", "The whale rose slowly from the deep. ".repeat(6000));
      await page.getByRole("textbox", { name: "Message" }).fill("Who is the captain?");
      await page.getByRole("button", { name: "Send", exact: true }).click();
      await page.getByText(/per second/).waitFor();
      await page.waitForTimeout(2500);
    },
  },
  "looked-at": {
    tested: true,
    scenario: {
      ...quick,
      answer: "The captain is called **Wolf Larsen**.\n\nHe commands the schooner *Ghost*.",
      retrieved: ["commands the schooner", "My uncle had a schooner", "Wolf Larsen, the captain, came on deck"],
      forgotten: "Who is the captain",
    },
    steps: async (page) => {
      await start(page);
      await ask(page, "My uncle had a schooner called the Petrel. Have you ever been at sea?");
      const book = "Snow fell all day on the sea. ".repeat(80);
      await attach(page, "The Sea-Wolf.txt", `${book}Then Wolf Larsen, the captain, came on deck and spoke to nobody. ${book}`);
      await ask(page, "Who is the captain of the ship?");
      await ask(page, "And what does he command?");
      await page.getByRole("button", { name: "Show what it looked at" }).last().click();
      await page.waitForTimeout(300);
    },
  },
  measuring: {
    scenario: { ...quick, headMap: "missing", holdMeasure: true },
    steps: async (page) => {
      await start(page);
      await ask(page, "Why is the sky blue?");
      await page.keyboard.press("Control+,");
      await page.getByRole("button", { name: "Measure it here" }).click();
      await page.getByText("8 of 20").waitFor();
    },
  },
  "settings-memory": {
    scenario: { ...quick, headMap: "missing" },
    steps: async (page) => {
      await start(page);
      await page.keyboard.press("Control+,");
      await page.getByRole("button", { name: "Measure it here" }).scrollIntoViewIfNeeded();
    },
  },
};
