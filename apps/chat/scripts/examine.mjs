import { AxeBuilder } from "@axe-core/playwright";

/** WCAG 2.2 at level AA, and what axe knows to be good practice beyond it. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * What axe finds on a page as it stands: a line for each element that breaks a rule.
 * @param {import("playwright").Page} page
 * @returns {Promise<string[]>}
 */
export async function examine(page) {
  // Without legacy mode axe opens a page of its own for frames, of which there are none here.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(RULES).analyze();
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      ({ target, failureSummary }) =>
        `${id}: ${help} (${target.join(" ")}) ${failureSummary?.split("\n").slice(1).join("; ").trim() ?? ""}`,
    ),
  );
}
