import { expect, it } from "vitest";
import { openClock } from "./clock.ts";

it("counts on the processor's clock only what is computed", { retry: 3 }, async () => {
  // Again where something else of this process computed meanwhile.
  const [wall, processor] = [openClock("wall"), openClock("processor")];
  const [started, computed] = [wall(), processor()];
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(wall() - started).toBeGreaterThan(290);
  const slept = processor() - computed;
  const busy = processor();
  for (let sum = 0; processor() - busy < 50;) sum = Math.sqrt(sum + 1);
  expect(slept).toBeLessThan(250);
  expect(wall() - started).toBeGreaterThan(340);
});
