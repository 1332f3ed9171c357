import { type Page, ask, bubbles, expect, quick, send, test } from "./support/chat-test.ts";

const NO_GPU = "Runs on the processor: there is no usable graphics adapter here.";
const settings = (page: Page) => page.getByRole("dialog", { name: "Settings" });
const chooseIn = async (page: Page, label: string) => {
  await page.keyboard.press("Control+,");
  await settings(page).getByLabel(label, { exact: true }).click({ force: true });
};
/** The person goes away and comes back, later than the page wants to wait between two looks. */
const comeBack = async (page: Page) =>
  page.evaluate(() => {
    const later = performance.now() + 60_000;
    performance.now = () => later;
    document.dispatchEvent(new Event("visibilitychange"));
  });

test("without a graphics card the page says so in one line, before and after, and answers", async ({ page, chat }) => {
  await page.goto(chat.address({ ...quick, gpu: "none" }));
  await expect(page.getByRole("region", { name: "Model" })).toContainText(NO_GPU);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await ask(page, "Hello?");
  await expect(page.locator("#composer-note")).toHaveText(`${NO_GPU} Small models make mistakes.`);
  await expect(page.getByRole("alert").filter({ visible: true, hasText: /./ })).toHaveCount(0);
  await page.keyboard.press("Control+,");
  await expect(settings(page)).toContainText(/It keeps 102\sMB of memory, and up to 590\sMB for a full conversation\. 2 threads compute\./);
});

test("with a graphics card nothing is said about it but in the settings", async ({ page, chat }) => {
  await chat.open(page, quick);
  await expect(page.locator("#composer-note")).toHaveText("Runs on this device. Small models make mistakes.");
  await page.keyboard.press("Control+,");
  await expect(settings(page)).toContainText("Runs on the graphics card. It keeps 102");
});

test("loading on the processor has its own steps", async ({ page, chat }) => {
  await page.goto(chat.address({ stored: "all", gpu: "none", holdLoadAt: "upload" }));
  await page.getByRole("button", { name: "Start", exact: true }).click();
  const card = page.getByRole("region", { name: "Model" });
  await expect(card.locator("[aria-current=step]")).toHaveText("Make ready");
  await expect(card.getByRole("progressbar", { name: "Making it ready for the processor" })).toBeVisible();
  await expect(card.getByRole("listitem")).toHaveText(["Download", "Check", "Make ready"]);
});

test("a change in the middle of a conversation moves the model, and the conversation goes on", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "one");
  await chooseIn(page, "Processor");
  await expect(page.locator("#composer-note")).toContainText("Runs on the processor, as chosen.");
  await ask(page, "two");
  await expect(bubbles(page)).toHaveText(["one", "two"]);
  await page.reload();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(page.locator("#composer-note")).toContainText("Runs on the processor, as chosen.");
  await chooseIn(page, "Automatic");
  await expect(page.locator("#composer-note")).toContainText("Runs on this device.");
  await ask(page, "three");
  await expect(bubbles(page)).toHaveText(["one", "two", "three"]);
});

test("a change waits for the answer that is being written", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "One two three four.", holdAfterWords: 2 });
  await send(page, "Count.");
  await expect(page.locator(".answer")).toContainText("One two three");
  await chooseIn(page, "Processor");
  await expect(settings(page)).toContainText("A change waits for the answer that is being written.");
  await page.keyboard.press("Escape");
  await expect(page.locator(".answer.streaming")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator("#composer-note")).toContainText("Runs on the processor, as chosen.");
  await expect(page.locator(".answer")).toContainText("One two three");
});

test("a change while the model loads loads it there", async ({ page, chat }) => {
  await page.goto(chat.address({ stored: "all", holdLoadAt: "shaders" }));
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(page.getByRole("progressbar", { name: "Preparing the GPU" })).toBeVisible();
  await chooseIn(page, "Processor");
  await expect(page.locator("#composer-note")).toContainText("Runs on the processor, as chosen.");
});

test("a graphics card that was chosen and is missing is explained, and the processor is one button away", async ({ page, chat }) => {
  await chat.open(page, { ...quick, gpu: "none" });
  await ask(page, "one");
  await chooseIn(page, "Graphics card");
  const alert = page.getByRole("alert").filter({ hasText: "This browser cannot reach a graphics card" });
  await alert.getByRole("button", { name: "Continue on the processor" }).click();
  await ask(page, "two");
  await expect(bubbles(page)).toHaveText(["one", "two"]);
});

test("a lost graphics card leaves the processor to go on with, and is offered when it is back, not forced", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "word ".repeat(30), answerError: "device-lost" });
  await send(page, "Go.");
  await page.getByRole("button", { name: "Continue on the processor" }).click();
  const note = page.locator("#composer-note");
  await expect(note).toContainText("A graphics card is available now.");
  await expect(bubbles(page)).toHaveText("Go.");
  await note.getByRole("button", { name: "Use it" }).click();
  await expect(note).toContainText("Runs on this device.");
  await expect(bubbles(page)).toHaveText("Go.");
});

test("a graphics card that comes later is offered when the person comes back to the page", async ({ page, chat }) => {
  await chat.open(page, { ...quick, gpu: "later" });
  const note = page.locator("#composer-note");
  await expect(note).toContainText(NO_GPU);
  await comeBack(page);
  await expect(note).toContainText("A graphics card is available now.");
  await ask(page, "Still here?");
  await expect(note).toContainText("A graphics card is available now.");
});

test("the processor is no way out of its own failure", async ({ page, chat }) => {
  await chat.open(page, { loadError: "out-of-memory", gpu: "none" });
  await page.getByRole("button", { name: /Load model/ }).click();
  const alert = page.getByRole("alert").filter({ hasText: "There was not enough memory" });
  await expect(alert.getByRole("button")).toHaveText(["Start the model again", "Another model"]);
});
