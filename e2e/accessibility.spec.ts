import { examine } from "../apps/chat/scripts/examine.mjs";
import { addressOf, shapes, states } from "../apps/chat/scripts/states/index.mjs";
import { expect, test } from "./support/chat-test.ts";

/** Screens and states of the page; `npm run screenshots -- --axe` examines all that there are, in both sizes and both colours. */
for (const [name, state] of Object.entries(states)) {
  if (state.tested !== true) continue;
  for (const [size, colorScheme, tag] of [
    ["desktop", "light", ""],
    ["phone", "dark", "@phone"],
  ] as const) {
    test(`axe finds nothing on ${name}, on a ${size} in ${colorScheme} colours ${tag}`, async ({ browser, chat }) => {
      test.setTimeout(60_000);
      const context = await browser.newContext({ ...shapes[size], ...state.context, reducedMotion: "reduce", colorScheme });
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      await page.goto(addressOf(state, chat.url));
      await state.steps?.(page, chat);
      expect(await examine(page)).toEqual([]);
      await context.close();
    });
  }
}
