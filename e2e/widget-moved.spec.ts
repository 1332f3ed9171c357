import { call, expect, seen, start, test } from "./support/widget/widget-test.ts";

/** Elements that change, or leave the page, while something is under way. */

test("an element that changes to a model that is ready already asks that one from then on", async ({ visit, cdn }) => {
  const [first, second] = [`${cdn.base}/models/tiny.gguf`, `${cdn.base}/models/slow.gguf`];
  const page = await visit({
    body: `<longtab-chat id="a" model="${first}"></longtab-chat><longtab-chat id="b" model="${second}"></longtab-chat>`,
  });
  const [a, b] = [page.locator("#a"), page.locator("#b")];
  await start(a);
  await start(b);
  await a.evaluate((element, model) => element.setAttribute("model", model), second);
  await expect.poll(() => page.workers().length).toBe(1);
  expect((await seen(page, "ready")).map(({ id }) => id)).toEqual(["a", "b", "a"]);
  const asked = await call(a, async (element) => {
    const answer = element.send("One").catch((error: unknown) => (error as { code: string }).code);
    const ended = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 1500, "being answered"))]);
    element.stop();
    return ended;
  });
  expect(asked).toBe("being answered");
});

test("a question that waits for the model of an element that leaves the page is refused, and so are those behind an answer", async ({
  visit,
  cdn,
}) => {
  const page = await visit({ body: `<longtab-chat model="${cdn.base}/models/slow.gguf"></longtab-chat>` });
  const chat = page.locator("longtab-chat");
  const refused = await call(chat, async (element) => {
    const answer = element.send("One").catch((error: unknown) => (error as { code: string }).code);
    element.remove();
    const ended = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 3000, "never"))]);
    document.body.append(element);
    return ended;
  });
  expect(refused).toBe("aborted");
  await start(chat);
  const [, second] = await call(chat, async (element) => {
    const answers = ["One", "Two"].map(async (text) => element.send(text).catch((error: unknown) => (error as { code: string }).code));
    await new Promise<void>((resolve) => {
      const watch = (): void => void (element.shadowRoot?.querySelector(".text")?.textContent ? resolve() : setTimeout(watch, 20));
      watch();
    });
    element.remove();
    return Promise.all(answers);
  });
  expect(second).toBe("disposed");
});

test("the Enter with which Safari ends a composition sends nothing", async ({ visit, cdn }) => {
  const page = await visit({ body: `<longtab-chat model="${cdn.base}/models/tiny.gguf"></longtab-chat>` });
  const chat = page.locator("longtab-chat");
  await start(chat);
  await chat.locator("textarea").fill("にほん");
  // Safari reports it when the composition is over, by the key code of one that is not.
  await chat.locator("textarea").dispatchEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true });
  await expect(chat.locator("textarea")).toHaveValue("にほん");
  await expect(chat.locator(".question")).toHaveCount(0);
});
