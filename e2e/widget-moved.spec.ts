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
