import type { CacheShape } from "../page.ts";
import type { HeadRule, Policy } from "./policy.ts";

/** The numbers of a policy in one line: policies of one name whose lines are equal keep and see the same. */
export function policyNumbers(policy: Policy, { layers, kvHeads }: Pick<CacheShape, "layers" | "kvHeads">): string {
  const rules: string[] = [];
  let heads = "";
  for (let layer = 0; layer < layers; layer++) {
    for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
      const rule = ruleNumbers(policy.rule(layer, kvHead));
      if (!rules.includes(rule)) rules.push(rule);
      heads += rules.indexOf(rule).toString(36);
    }
  }
  const selection = Object.entries(policy.selection ?? {}).map(([name, value]) => `${name} ${value}`);
  return [...rules, ...(rules.length > 1 ? [`heads ${heads}`] : []), ...selection].join(", ");
}

function ruleNumbers({ sinks, recent, from, keeps, selects }: HeadRule): string {
  return `${sinks} + ${recent} from ${from} of ${keeps}${selects ? " selected" : ""}`;
}
