import { type Page, ask, expect, field, quick, test } from "./support/chat-test.ts";

/** What a conversation remembers, as the page shows it, with the double in the library's place. */

const BOOK = "The whale rose slowly from the deep. ".repeat(1800);
const settings = (page: Page) => page.getByRole("dialog", { name: "Settings" });
const meter = (page: Page) => page.getByRole("button", { name: /^Context/ });
const popover = (page: Page) => page.getByRole("region", { name: "Context" });
const choose = async (page: Page, name: string) => {
  await page.keyboard.press("Control+,");
  // What each way buys comes a moment later.
  await expect(settings(page).getByText(/Up to .* words/)).toHaveCount(3);
  await settings(page).getByRole("radio", { name }).press("Space");
};
const attach = async (page: Page, text: string) =>
  page.getByLabel("Attach a text file").setInputFiles({ name: "book.txt", mimeType: "text/plain", buffer: Buffer.from(text) });

test("each way to remember is one choice with what it does and what it costs", async ({ page, chat }) => {
  await chat.open(page, quick);
  await page.keyboard.press("Control+,");
  await expect(settings(page).getByRole("radio", { name: "Remembers" })).toBeChecked();
  await expect(settings(page).getByRole("radio", { name: /Endless/ })).toHaveAccessibleName(
    /forgets what lies between.*same small memory.*Up to 1,500 words in 18\sMB/,
  );
  await expect(settings(page).getByRole("radio", { name: /Short/ })).toHaveAccessibleName(/window is full, at about 6,100 words/);
  await expect(settings(page)).toContainText("What “auto” does in 65,536 tokens.");
});

test("another choice loads the model anew and the conversation goes on, also after a reload", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "one");
  await choose(page, "Short");
  await expect(meter(page)).toHaveAccessibleName(/Context \d% full: \d+ of 8,192 tokens/);
  await ask(page, "two");
  await expect(page.locator(".bubble")).toHaveText(["one", "two"]);
  await page.reload();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(meter(page)).toHaveAccessibleName(/of 8,192 tokens/);
  await choose(page, "Endless");
  await expect(meter(page)).toHaveAccessibleName(/^Context: \d+ tokens, without end$/);
});

test("a change waits for the answer that is being written", async ({ page, chat }) => {
  await chat.open(page, { ...quick, answer: "One two three four.", holdAfterWords: 2 });
  await field(page).fill("Count.");
  await field(page).press("Enter");
  await expect(page.locator(".answer")).toContainText("One two three");
  await choose(page, "Short");
  await expect(settings(page)).toContainText("A change waits for the answer that is being written.");
  await page.keyboard.press("Escape");
  await expect(page.locator(".answer.streaming")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(meter(page)).toHaveAccessibleName(/of 8,192 tokens/);
  await expect(page.locator(".answer")).toContainText("One two three");
});

test("a model without a head map says so and is measured here, after which it has one; the conversation goes on", async ({
  page,
  chat,
}) => {
  await chat.open(page, { ...quick, headMap: "missing" });
  await ask(page, "one");
  await page.keyboard.press("Control+,");
  await expect(settings(page)).toContainText("Which heads need only the beginning and the end is not known for this model");
  await settings(page).getByRole("button", { name: "Measure it here" }).click();
  await expect(settings(page)).toBeHidden();
  await expect(meter(page)).toBeVisible();
  await ask(page, "two");
  await page.keyboard.press("Control+,");
  await expect(settings(page)).toContainText("What “auto” does");
  await expect(settings(page).getByRole("button", { name: "Measure it here" })).toHaveCount(0);
});

test("measuring shows how far it is, and can be cancelled: then the model is as before", async ({ page, chat }) => {
  await chat.open(page, { ...quick, headMap: "missing", holdMeasure: true });
  await page.keyboard.press("Control+,");
  await settings(page).getByRole("button", { name: "Measure it here" }).click();
  const card = page.getByRole("region", { name: "Model" });
  await expect(card).toContainText("Each part, 8 of 20");
  await expect(card.getByRole("progressbar", { name: "Measuring" })).toHaveAttribute("value", "8");
  await card.getByRole("button", { name: "Cancel" }).click();
  await expect(meter(page)).toBeVisible();
  await page.keyboard.press("Control+,");
  await expect(settings(page).getByRole("button", { name: "Measure it here" })).toBeVisible();
});

test("the meter names every kind of page with tokens and bytes, and says what it is for", async ({ page, chat }) => {
  await chat.open(page, quick);
  await attach(page, BOOK);
  await ask(page, "What rose?");
  await meter(page).click();
  await expect(popover(page)).toContainText(/^16,7\d\d tokens/);
  await expect(popover(page).locator("dt")).toHaveText(["Beginning", "Far back", "Kept", "Latest", "Let go"]);
  for (const [index, text] of [
    /^16 tokens · 369\skB$/,
    /^5,\d{3} tokens · 1\d\d\sMB$/,
    /^5,\d{3} tokens · 1\d\d\sMB$/,
    /^256 tokens · 5.9\sMB$/,
    /^5,\d{3} tokens$/,
  ].entries()) {
    await expect(popover(page).locator("dd:not(.hint)").nth(index)).toHaveText(text);
  }
  await expect(popover(page)).toContainText("A square is 256 tokens.");
  const squares = popover(page).locator(".page-squares i");
  expect(await squares.count()).toBeGreaterThan(40);
  expect(await squares.evaluateAll((all) => [...new Set(all.map((square) => square.getAttribute("class")))])).toEqual(
    ["sink", "far", "kept", "recent", "forgotten"].map((kind) => `kind-${kind}`),
  );
  await expect(popover(page)).toContainText(/Memory25\d of 590\sMB/);
  await expect(popover(page)).toContainText("100% of what is held is stored in 8 bits a number instead of 16.");
  await page.keyboard.press("Escape");
  await expect(popover(page)).toBeHidden();
});

test("the meter moves while a long text is read, and nothing beside it does", async ({ page, chat }) => {
  await chat.open(page, { ...quick, readMs: 5 });
  await attach(page, BOOK);
  const place = await meter(page).boundingBox();
  await field(page).press("Enter");
  await expect(page.locator(".ring-fill.kind-kept")).toBeVisible();
  await expect(page.locator(".ring-fill.kind-far")).toBeVisible();
  expect(await meter(page).boundingBox()).toEqual(place);
  await expect(page.locator(".answer-foot")).toHaveCount(1);
  expect(await meter(page).boundingBox()).toEqual(place);
});

test("an endless conversation is never full, whatever was said", async ({ page, chat }) => {
  await chat.open(page, quick);
  await attach(page, BOOK.repeat(5));
  await ask(page, "What rose?");
  await expect(page.locator("#composer-note")).toHaveText("Runs on this device. Small models make mistakes.");
  await expect(page.locator(".context.full, .context.nearly")).toHaveCount(0);
  await meter(page).click();
  await expect(popover(page).getByRole("button", { name: "Delete early messages" })).toHaveCount(0);
  await popover(page).getByRole("button", { name: "Change" }).click();
  await expect(settings(page)).toBeVisible();
});

test("the meter of a conversation is there again after a reload", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "one");
  await page.reload();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await meter(page).click();
  await expect(popover(page)).toContainText(/Latest\d+ tokens/);
});

test("what an answer looked at is shown on request, with its place in the conversation", async ({ page, chat }) => {
  const answer = "The captain is called **Wolf**.\n\nHe reads a lot.";
  await chat.open(page, { ...quick, answer, retrieved: ["He reads a lot", "a box of tea", "rose slowly"] });
  await page.getByLabel("Attach a text file").setInputFiles({
    name: "book.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("The whale rose slowly from the deep."),
  });
  await ask(page, "Who has a box of tea here?");
  await ask(page, "Who was it?");
  const toggle = page.getByRole("button", { name: "Show what it looked at" }).last();
  await toggle.click();
  await expect(page.getByRole("list", { name: "What it looked at" }).getByRole("listitem")).toHaveText([
    "An answerThe captain is called **Wolf**. He reads a lot.",
    "Your messageWho has a box of tea here?",
    "book.txtThe whale rose slowly from the deep.",
  ]);
  const marked = async () =>
    page.evaluate(() => Array.from(CSS.highlights.get("looked-at") ?? [], (range) => (range as Range).toString().trim()));
  await expect.poll(marked).toEqual(["He reads a lot.", "a box of tea"]);
  await page.getByRole("button", { name: "Hide what it looked at" }).click();
  await expect.poll(marked).toEqual([]);
});

test("quiet lines say where the model's view begins, and what it only looks up", async ({ page, chat }) => {
  await chat.open(page, { ...quick, forgotten: "three", far: "Question four" });
  for (const question of ["one", "two", "three", "Question four"]) await ask(page, question);
  const lines = page.locator(".view-line");
  await expect(lines).toHaveText(["Earlier messages are no longer in view", "Earlier messages are far back: looked up where it matters"]);
  await expect(lines.first().locator("+ .exchange .bubble")).toHaveText("three");
  await expect(lines.last().locator("+ .exchange .bubble")).toHaveText("Question four");
  await page.reload();
  await expect(lines).toHaveCount(2);
});

test("a smaller memory is chosen for what it buys, the model is loaded anew with it, and the meter counts by it", async ({
  page,
  chat,
}) => {
  await chat.open(page, quick);
  await ask(page, "one");
  await page.keyboard.press("Control+,");
  await expect(settings(page)).toContainText(/Now: about 49,000 words, in 590\sMB when full\./);
  const choice = settings(page).getByLabel("Memory for a conversation");
  await expect(choice.locator("option").nth(1)).toHaveText(/^64\sMB: about 5,300 words$/);
  await choice.selectOption("64000000");
  await expect(meter(page)).toBeVisible();
  await ask(page, "two");
  await meter(page).click();
  await expect(popover(page)).toContainText(/of 64\sMB/);
  await page.reload();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await meter(page).click();
  await expect(popover(page)).toContainText(/of 64\sMB/);
});

test("before a model is loaded its card says what the chosen way to remember buys", async ({ page, chat }) => {
  await page.goto(chat.address({ ...quick, stored: "none" }));
  const card = page.getByRole("region", { name: "Model" });
  await expect(card).toContainText("Remembersabout 49,000 words");
  await choose(page, "Short");
  await page.keyboard.press("Escape");
  await expect(card).toContainText("Reads up toabout 6,100 words");
});
