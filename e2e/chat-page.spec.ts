import { type Page, expect, test } from "@playwright/test";
import { ChatWithDouble } from "./support/chat-double.ts";
import { paste } from "./support/paste.ts";

let chat: ChatWithDouble;
/** What the page must never do: break its policy, throw, or speak to another host. */
let faults: string[];

test.beforeAll(async () => {
  chat = await ChatWithDouble.start();
});
test.afterAll(async () => chat.close());

test.beforeEach(({ context }) => {
  faults = [];
  context.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  context.on("weberror", (error) => faults.push(error.error().message));
  context.on("request", (request) => {
    if (new URL(request.url()).hostname !== "127.0.0.1") faults.push(request.url());
  });
});
test.afterEach(() => expect(faults).toEqual([]));

const field = (page: Page) => page.getByRole("textbox", { name: "Message", exact: true });
const answers = (page: Page) => page.locator(".answer-foot");
const bubbles = (page: Page) => page.locator(".bubble");
const send = async (page: Page, text: string) => {
  await field(page).fill(text);
  await field(page).press("Enter");
};
/** Sends and waits until the answer stands. */
const ask = async (page: Page, text: string) => {
  const before = await answers(page).count();
  await send(page, text);
  await expect(answers(page)).toHaveCount(before + 1);
};
const quick = { stored: "all", wordMs: 0 } as const;

test.describe("the model", () => {
  test("a first visit says what it is, what it costs and where it runs", async ({ page }) => {
    await chat.open(page, {});
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("A language model that lives in this tab");
    const card = page.getByRole("region", { name: "Model" });
    await expect(card).toContainText("98 MB, once");
    await expect(card).toContainText("Apache-2.0");
    await expect(card).toContainText("about 49,000 words");
    await expect(card.getByRole("button", { name: "Load model · 98 MB" })).toBeVisible();
    await expect(page.getByText("nothing you write leaves this page")).toBeVisible();
  });

  test("loading shows phase, bytes, rate and time left, and can be cancelled", async ({ page }) => {
    await chat.open(page, { holdLoadAt: "download" });
    await page.getByRole("button", { name: /Load model/ }).click();
    const card = page.getByRole("region", { name: "Model" });
    await expect(card).toContainText("39 of 98 MB · 6.2 MB/s · about 10 s left");
    await expect(card.locator("[aria-current=step]")).toHaveText("Download");
    await card.getByRole("button", { name: "Cancel" }).click();
    await expect(page.getByRole("button", { name: /Load model/ })).toBeVisible();
  });

  test("a broken-off download says what is here already and goes on", async ({ page }) => {
    await chat.open(page, { stored: "part" });
    await expect(page.getByText("40 of 98 MB are here already.")).toBeVisible();
    await page.getByRole("button", { name: "Continue the download" }).click();
    await expect(page.getByText("What is on your mind?")).toBeVisible();
  });

  test("a stored model starts by itself where that was chosen", async ({ page }) => {
    await page.goto(chat.address(quick));
    await page.getByLabel("Start by itself when the page opens").check();
    await page.reload();
    await expect(page.getByText("What is on your mind?")).toBeVisible();
  });

  test("a failed load explains itself and offers ways on", async ({ page }) => {
    await chat.open(page, { loadError: "quota-exceeded" });
    await page.getByRole("button", { name: /Load model/ }).click();
    const alert = page.getByRole("alert").filter({ hasText: "not enough space" });
    await expect(alert).toContainText("This model needs 98 MB and the browser grants 61 MB more. Delete a stored model");
    await alert.getByRole("button", { name: "Stored models" }).click();
    await expect(page.getByRole("dialog", { name: "Models" })).toBeVisible();
  });

  test("a browser without WebGPU is told what to do, and conversations stay readable", async ({ page }) => {
    await chat.open(page, quick);
    await ask(page, "Hello?");
    await page.goto(chat.address({ unavailable: true }, new URL(page.url()).hash));
    await expect(bubbles(page)).toHaveText("Hello?");
    await expect(page.getByText("This browser has no WebGPU.")).toBeVisible();
    await expect(page.getByText("version 113 or newer")).toBeVisible();
  });

  test("a file dropped on the page is loaded", async ({ page }) => {
    await chat.open(page, {});
    const transfer = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(["GGUF"], "mine.gguf"));
      return data;
    });
    await page.dispatchEvent("body", "dragover", { dataTransfer: transfer });
    await expect(page.getByText("or a .gguf file to load it")).toBeVisible();
    await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
    await expect(page.getByRole("button", { name: /mine\.gguf/ })).toContainText("ready");
  });

  test("an address outside the hub is refused with a reason", async ({ page }) => {
    await chat.open(page, {});
    await page.getByText("Use another model").click();
    await page.getByLabel("From the Hugging Face hub").fill("https://example.com/model.gguf");
    await page.getByRole("button", { name: "Load", exact: true }).click();
    await expect(page.getByText("This page only downloads from huggingface.co")).toBeVisible();
  });

  test("a stored model is deleted after a second look", async ({ page }) => {
    await page.goto(chat.address(quick));
    await page.getByTitle("Models").click();
    const dialog = page.getByRole("dialog", { name: "Models" });
    await dialog.getByRole("button", { name: "Delete SmolLM2 135M Instruct" }).click();
    await dialog.getByRole("button", { name: "Delete 98 MB" }).click();
    await expect(dialog.getByText("98 MB to download")).toBeVisible();
  });

  test("a message sent while the model loads waits for it", async ({ page }) => {
    await page.goto(chat.address({}));
    await page.getByRole("button", { name: /Load model/ }).click();
    await send(page, "Are you there?");
    await expect(page.getByText("sent as soon as the model is ready")).toBeVisible();
    await expect(answers(page)).toHaveCount(1);
    await expect(bubbles(page)).toHaveText("Are you there?");
    await expect(field(page)).toHaveValue("");
  });
});

test.describe("where the model runs", () => {
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

  test("without a graphics card the page says so in one line, before and after, and answers", async ({ page }) => {
    await page.goto(chat.address({ ...quick, gpu: "none" }));
    await expect(page.getByRole("region", { name: "Model" })).toContainText(NO_GPU);
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await ask(page, "Hello?");
    await expect(page.locator("#composer-note")).toHaveText(`${NO_GPU} Small models make mistakes.`);
    await expect(page.getByRole("alert").filter({ visible: true, hasText: /./ })).toHaveCount(0);
    await page.keyboard.press("Control+,");
    await expect(settings(page)).toContainText(
      /It keeps 102\sMB of memory, and up to 190\sMB for a full conversation\. 2 threads compute\./,
    );
  });

  test("with a graphics card nothing is said about it but in the settings", async ({ page }) => {
    await chat.open(page, quick);
    await expect(page.locator("#composer-note")).toHaveText("Runs on this device. Small models make mistakes.");
    await page.keyboard.press("Control+,");
    await expect(settings(page)).toContainText("Runs on the graphics card. It keeps 102");
  });

  test("loading on the processor has its own steps", async ({ page }) => {
    await page.goto(chat.address({ stored: "all", gpu: "none", holdLoadAt: "upload" }));
    await page.getByRole("button", { name: "Start", exact: true }).click();
    const card = page.getByRole("region", { name: "Model" });
    await expect(card.locator("[aria-current=step]")).toHaveText("Make ready");
    await expect(card.getByRole("progressbar", { name: "Making it ready for the processor" })).toBeVisible();
    await expect(card.getByRole("listitem")).toHaveText(["Download", "Check", "Make ready"]);
  });

  test("a change in the middle of a conversation moves the model, and the conversation goes on", async ({ page }) => {
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

  test("a change waits for the answer that is being written", async ({ page }) => {
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

  test("a change while the model loads loads it there", async ({ page }) => {
    await page.goto(chat.address({ stored: "all", holdLoadAt: "shaders" }));
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await expect(page.getByRole("progressbar", { name: "Preparing the GPU" })).toBeVisible();
    await chooseIn(page, "Processor");
    await expect(page.locator("#composer-note")).toContainText("Runs on the processor, as chosen.");
  });

  test("a graphics card that was chosen and is missing is explained, and the processor is one button away", async ({ page }) => {
    await chat.open(page, { ...quick, gpu: "none" });
    await ask(page, "one");
    await chooseIn(page, "Graphics card");
    const alert = page.getByRole("alert").filter({ hasText: "This browser cannot reach a graphics card" });
    await alert.getByRole("button", { name: "Continue on the processor" }).click();
    await ask(page, "two");
    await expect(bubbles(page)).toHaveText(["one", "two"]);
  });

  test("a lost graphics card leaves the processor to go on with, and is offered when it is back, not forced", async ({ page }) => {
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

  test("a graphics card that comes later is offered when the person comes back to the page", async ({ page }) => {
    await chat.open(page, { ...quick, gpu: "later" });
    const note = page.locator("#composer-note");
    await expect(note).toContainText(NO_GPU);
    await comeBack(page);
    await expect(note).toContainText("A graphics card is available now.");
    await ask(page, "Still here?");
    await expect(note).toContainText("A graphics card is available now.");
  });

  test("the processor is no way out of its own failure", async ({ page }) => {
    await chat.open(page, { loadError: "out-of-memory", gpu: "none" });
    await page.getByRole("button", { name: /Load model/ }).click();
    const alert = page.getByRole("alert").filter({ hasText: "There was not enough memory" });
    await expect(alert.getByRole("button")).toHaveText(["Start the model again", "Another model"]);
  });
});

test.describe("a conversation", () => {
  test("streams, and says how many tokens came how fast", async ({ page }) => {
    await chat.open(page, { ...quick, answer: "One **two** three." });
    await ask(page, "Count.");
    await expect(page.locator(".answer strong")).toHaveText("two");
    await expect(page.locator(".stats")).toHaveText(/^3 tokens · [\d,.]+ per second$/);
    await expect(page).toHaveTitle("Count. · Longtab");
  });

  test("shows how much of a long prompt was read", async ({ page }) => {
    await chat.open(page, { ...quick, holdReading: true });
    await send(page, "word ".repeat(400));
    await expect(page.getByText(/Reading \d+ of 5\d\d tokens/)).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.locator(".stats")).toHaveText("stopped");
  });

  test("stops on Esc and keeps what came", async ({ page }) => {
    await chat.open(page, { ...quick, answer: "One two three four.", holdAfterWords: 2 });
    await send(page, "Count.");
    await expect(page.locator(".answer")).toContainText("One two three");
    await page.keyboard.press("Escape");
    await expect(page.locator(".stats")).toHaveText(/^3 tokens · [\d,.]+ per second · stopped$/);
    await expect(page.locator(".answer")).toContainText("One two three");
    await expect(page.getByRole("button", { name: "Send", exact: true })).toBeVisible();
  });

  test("gives another answer to the same question", async ({ page }) => {
    await chat.open(page, quick);
    await ask(page, "Why?");
    await page.getByRole("button", { name: "Answer again" }).click();
    await expect(answers(page)).toHaveCount(1);
    await expect(bubbles(page)).toHaveCount(1);
  });

  test("an edited question is asked anew and what followed it goes", async ({ page }) => {
    await chat.open(page, quick);
    for (const question of ["one", "two", "three"]) await ask(page, question);
    await bubbles(page).first().hover();
    await page.getByRole("button", { name: "Edit message" }).first().click();
    await expect(page.getByText("The 2 messages after this one go.")).toBeVisible();
    await page.getByRole("textbox", { name: "Edit message" }).fill("uno");
    await page.keyboard.press("Enter");
    await expect(bubbles(page)).toHaveText(["uno"]);
    await expect(answers(page)).toHaveCount(1);
  });

  test("a deleted message comes back on undo", async ({ page }) => {
    await chat.open(page, quick);
    for (const question of ["one", "two"]) await ask(page, question);
    await bubbles(page).first().hover();
    await page.getByRole("button", { name: "Delete message and answer" }).first().click();
    await expect(bubbles(page)).toHaveText(["two"]);
    await page.getByRole("button", { name: "Undo" }).click();
    await expect(bubbles(page)).toHaveText(["one", "two"]);
  });

  test("code is copied as it is", async ({ page, context }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await chat.open(page, { ...quick, answer: "```js\nlet a = '<b>';\n```\n\nDone." });
    await ask(page, "Code?");
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
    expect(await page.evaluate(async () => navigator.clipboard.readText())).toBe("let a = '<b>';");
  });

  test("a failed answer keeps its words and can be tried again", async ({ page }) => {
    await chat.open(page, { ...quick, answer: "word ".repeat(30), answerError: "internal" });
    await send(page, "Go.");
    await expect(page.getByRole("alert").filter({ hasText: "Something went wrong" })).toBeVisible();
    await expect(page.locator(".answer")).toContainText("word word word");
    await expect(page.getByRole("button", { name: "Try again" })).toBeEnabled();
  });

  test("a lost device keeps the conversation and starts the model again", async ({ page }) => {
    await chat.open(page, { ...quick, answer: "word ".repeat(30), answerError: "device-lost" });
    await send(page, "Go.");
    await expect(page.getByText("The graphics card stopped answering; what came so far is kept.")).toBeVisible();
    await expect(page.locator(".answer")).toContainText("word word");
    await page.getByRole("button", { name: "Start the model again" }).click();
    await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  });

  test("a full context offers a new chat and room", async ({ page }) => {
    await chat.open(page, { ...quick, contextLength: 100 });
    await ask(page, "one");
    await ask(page, "two ".repeat(30));
    await send(page, "three ".repeat(20));
    const alert = page.getByRole("alert").filter({ hasText: "longer than the model can read" });
    await alert.getByRole("button", { name: "Delete early messages and try again" }).click();
    await expect(alert).toHaveCount(0);
    await expect(bubbles(page)).toHaveCount(1);
    await expect(page.locator(".answer")).toContainText("The sky is blue");
  });

  test("the question that did not fit can move to a new chat", async ({ page }) => {
    await chat.open(page, { ...quick, contextLength: 100 });
    await ask(page, "one ".repeat(60));
    await send(page, "A question.");
    await page.getByRole("button", { name: "New chat with this question" }).click();
    await expect(field(page)).toHaveValue("A question.");
    await expect(bubbles(page)).toHaveCount(0);
  });

  test("the context meter counts the conversation", async ({ page }) => {
    await chat.open(page, { ...quick, contextLength: 1000 });
    await ask(page, "x".repeat(400));
    await expect(page.getByRole("button", { name: /^Context 1\d% full: 1\d\d of 1,000 tokens/ })).toBeVisible();
  });

  test("a screen reader hears the finished answer and never a part of it", async ({ page }) => {
    await chat.open(page, { ...quick, wordMs: 10, answer: "alpha beta gamma delta." });
    const heard = await page.evaluateHandle(() => {
      const said: string[] = [];
      const region = document.querySelector("output[aria-live=polite]");
      if (region !== null)
        new MutationObserver(() => said.push(region.textContent ?? "")).observe(region, {
          childList: true,
          characterData: true,
          subtree: true,
        });
      return said;
    });
    await ask(page, "Go.");
    await expect.poll(async () => heard.jsonValue()).toEqual(["Reading your message", "Answer finished. alpha beta gamma delta."]);
  });

  test("reading back is not pulled to the end, and one button goes there", async ({ page }) => {
    await chat.open(page, { ...quick, wordMs: 5, answer: "A line of words.\n\n".repeat(120), holdAfterWords: 400 });
    await send(page, "Go.");
    const latest = page.getByRole("button", { name: "Latest" });
    await expect.poll(async () => page.locator(".scroller").evaluate((element) => element.scrollTop)).toBeGreaterThan(200);
    await expect(latest).toBeHidden();
    await page.locator(".scroller").hover();
    await page.mouse.wheel(0, -2000);
    await expect(latest).toBeVisible();
    // The wheel's own scrolling may still be under way; from where it ends nothing may move the page.
    await page.waitForTimeout(500);
    const place = await page.locator(".scroller").evaluate((element) => element.scrollTop);
    const before = await page.locator(".answer").innerText();
    await expect.poll(async () => (await page.locator(".answer").innerText()).length).toBeGreaterThan(before.length);
    expect(await page.locator(".scroller").evaluate((element) => element.scrollTop)).toBe(place);
    await latest.click();
    await expect(latest).toBeHidden();
  });
});

test.describe("nothing is lost", () => {
  test("a conversation and its address survive a reload", async ({ page }) => {
    await chat.open(page, quick);
    await ask(page, "Remember me.");
    await page.reload();
    await expect(bubbles(page)).toHaveText("Remember me.");
    await expect(page.locator(".answer")).toContainText("The sky is blue");
    await expect(page.getByRole("link", { name: "Remember me." })).toHaveAttribute("aria-current", "page");
  });

  test("an answer that a closed tab broke off is kept, and said to be", async ({ page }) => {
    await chat.open(page, { ...quick, answer: "One two three four.", holdAfterWords: 2 });
    await send(page, "Count.");
    await expect(page.locator(".answer")).toContainText("One two three");
    // The page stores a partial answer every two seconds.
    await page.waitForTimeout(2500);
    await page.reload();
    await expect(page.locator(".answer")).toContainText("One two three");
    await expect(page.locator(".stats")).toContainText("interrupted");
  });

  test("unsent text survives a reload, also of a chat that was never begun", async ({ page }) => {
    await chat.open(page, quick);
    await field(page).fill("Half a thought");
    await page.waitForTimeout(600);
    await page.goto(chat.address(quick));
    await expect(field(page)).toHaveValue("Half a thought");
  });

  test("each conversation has its own unsent text", async ({ page }) => {
    await chat.open(page, quick);
    await ask(page, "First");
    await field(page).fill("for the first");
    await page.getByRole("button", { name: "New chat" }).click();
    await expect(field(page)).toHaveValue("");
    await page.getByRole("link", { name: "First" }).click();
    await expect(field(page)).toHaveValue("for the first");
  });

  test("conversations are renamed, deleted and brought back", async ({ page }) => {
    await chat.open(page, quick);
    await ask(page, "First");
    await page.getByRole("link", { name: "First" }).hover();
    await page.getByRole("button", { name: "Rename “First”" }).click();
    await page.getByRole("textbox", { name: "Title" }).fill("Mine");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Mine" })).toBeVisible();
    await page.getByRole("link", { name: "Mine" }).hover();
    await page.getByRole("button", { name: "Delete “Mine”" }).click();
    await expect(page.getByRole("link", { name: "Mine" })).toHaveCount(0);
    await page.getByRole("button", { name: "Undo" }).click();
    await expect(bubbles(page)).toHaveText("First");
    await page.reload();
    await expect(page.getByRole("heading", { name: "Mine" })).toBeVisible();
  });

  test("two tabs on one conversation keep one another's messages", async ({ page, context }) => {
    await chat.open(page, quick);
    await ask(page, "from the first tab");
    const other = await context.newPage();
    await other.goto(page.url());
    await expect(bubbles(other)).toHaveText("from the first tab");
    await other.getByRole("button", { name: "Start", exact: true }).click();
    await ask(other, "from the second tab");
    await expect(bubbles(page)).toHaveText(["from the first tab", "from the second tab"]);
    await ask(page, "from the first again");
    await expect(bubbles(other)).toHaveText(["from the first tab", "from the second tab", "from the first again"]);
    await other.getByRole("button", { name: "New chat" }).click();
    await ask(other, "another conversation");
    await expect(page.getByRole("link", { name: "another conversation" })).toBeVisible();
  });

  test("settings survive a reload and go back to their defaults", async ({ page }) => {
    await chat.open(page, quick);
    await page.keyboard.press("Control+,");
    const dialog = page.getByRole("dialog", { name: "Settings" });
    await dialog.getByLabel("Temperature, as a number").fill("0.2");
    await dialog.getByLabel("Temperature, as a number").press("Tab");
    await dialog.getByLabel("System prompt").fill("Be brief.");
    await dialog.getByLabel("Dark").check({ force: true });
    await page.reload();
    await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.getByText("What is on your mind?").waitFor();
    await page.keyboard.press("Control+,");
    await expect(dialog.getByLabel("Temperature", { exact: true })).toHaveValue("0.2");
    await dialog.getByRole("button", { name: "Reset to the model’s own" }).click();
    await expect(dialog.getByLabel("Temperature", { exact: true })).toHaveValue("0.7");
    await expect(dialog.getByLabel("System prompt")).toHaveValue("");
    await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  });
});

test.describe("input", () => {
  test("Shift+Enter makes a line and Enter during composition sends nothing", async ({ page }) => {
    await chat.open(page, quick);
    await field(page).fill("日本");
    await field(page).press("Shift+Enter");
    await expect(field(page)).toHaveValue("日本\n");
    await field(page).dispatchEvent("keydown", { key: "Enter", isComposing: true });
    await field(page).dispatchEvent("keydown", { key: "Enter", keyCode: 229 });
    await expect(bubbles(page)).toHaveCount(0);
    await field(page).press("Enter");
    await expect(bubbles(page)).toHaveText("日本");
  });

  test("blank text is not sent, and lone surrogates are mended", async ({ page }) => {
    await chat.open(page, quick);
    await paste(page, field(page), "\n".repeat(10_000));
    await expect(field(page)).toHaveValue("\n".repeat(10_000));
    await field(page).press("Enter");
    await expect(bubbles(page)).toHaveCount(0);
    await field(page).evaluate((element: HTMLTextAreaElement) => {
      element.value = "a\ud800b";
      element.dispatchEvent(new InputEvent("input", { bubbles: true }));
    });
    await field(page).press("Enter");
    await expect(bubbles(page)).toHaveText("a\ufffdb");
  });

  test("a long question is shown by its beginning", async ({ page }) => {
    await chat.open(page, { ...quick, contextLength: 8192 });
    await field(page).evaluate((element: HTMLTextAreaElement) => {
      element.value = "lorem ipsum dolor ".repeat(6000);
      element.dispatchEvent(new InputEvent("input", { bubbles: true }));
    });
    await expect(page.getByText(/This message takes about \d+,\d00 tokens; the model can read/)).toBeVisible();
    await field(page).press("Enter");
    await expect(page.getByRole("button", { name: "Show all 107,999 characters" })).toBeVisible();
    await expect(page.getByRole("alert").filter({ hasText: "longer than the model can read" })).toBeVisible();
  });

  test("two sends at once make one message", async ({ page }) => {
    await chat.open(page, { ...quick, holdAfterWords: 1 });
    await send(page, "one");
    await field(page).fill("two");
    await field(page).press("Enter");
    await expect(bubbles(page)).toHaveText(["one"]);
    await expect(field(page)).toHaveValue("two");
  });

  test("shortcuts open a new chat, the settings and their own list; ↑ edits the last message", async ({ page }) => {
    await chat.open(page, quick);
    await ask(page, "First");
    await field(page).press("ArrowUp");
    await expect(page.getByRole("textbox", { name: "Edit message" })).toBeFocused();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+Shift+O");
    await expect(page.getByText("What is on your mind?")).toBeVisible();
    await page.keyboard.press("Control+/");
    await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  });

  test("every control has a name", async ({ page }) => {
    await chat.open(page, { ...quick, answer: "```js\nlet a;\n```" });
    await ask(page, "First");
    const nameless = await page.locator("button, a, input, textarea, summary").evaluateAll((elements) =>
      elements
        .filter((element) => {
          const labels = (element as HTMLInputElement).labels;
          return (
            (element.getAttribute("aria-label") ?? "") === "" && (element.textContent ?? "").trim() === "" && (labels?.length ?? 0) === 0
          );
        })
        .map(({ outerHTML }) => outerHTML),
    );
    expect(nameless).toEqual([]);
  });
});

test.describe("a phone @phone", () => {
  test("conversations are a drawer that closes when one is chosen", async ({ page }) => {
    await chat.open(page, quick);
    await field(page).fill("First");
    await page.getByRole("button", { name: "Send", exact: true }).tap();
    await expect(answers(page)).toHaveCount(1);
    await page.getByRole("button", { name: "New chat" }).tap();
    await page.getByRole("button", { name: "Show conversations" }).tap();
    const drawer = page.getByRole("navigation", { name: "Conversations" });
    await drawer.getByRole("link", { name: "First" }).tap();
    await expect(drawer).toBeHidden();
    await expect(bubbles(page)).toHaveText("First");
  });

  test("nothing is wider than a screen of 320 pixels", async ({ page }) => {
    await page.setViewportSize({ width: 320, height: 568 });
    const answer = `${"unbreakable".repeat(20)}\n\n| a | b |\n| - | - |\n| ${"wide ".repeat(40)} | 2 |\n\n\`\`\`\n${"code ".repeat(60)}\n\`\`\``;
    await chat.open(page, { ...quick, answer });
    const overflow = async () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(await overflow()).toBeLessThanOrEqual(0);
    await field(page).fill("long".repeat(100));
    await page.getByRole("button", { name: "Send", exact: true }).tap();
    await expect(answers(page)).toHaveCount(1);
    expect(await overflow()).toBeLessThanOrEqual(0);
    expect(await page.locator(".scroller").evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(0);
    await page.keyboard.press("Control+,");
    const settings = page.getByRole("dialog", { name: "Settings" });
    await expect(settings.getByText("Graphics card", { exact: true })).toBeVisible();
    expect(await settings.evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(0);
  });
});
