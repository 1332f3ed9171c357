import { signal } from "@preact/signals";
import { type ContextPlan, Longtab } from "../longtab.ts";
import type { KnownModel } from "./model-families.ts";
import { settings } from "./settings.ts";

/** What a new conversation would have of each model, by its id; a model of which nothing is known before it is stored has none. */
export const modelPlans = signal<ReadonlyMap<string, ContextPlan>>(new Map());

export async function planModels(models: readonly KnownModel[]): Promise<void> {
  const {
    chat: { context },
    memoryBudget,
  } = settings.peek();
  const plans = await Promise.all(
    models.map(async ({ id, entry, stored }) => {
      if (entry === undefined && stored?.complete !== true) return [];
      const plan = await Longtab.models.plan(id, { context, ...(memoryBudget !== null && { memoryBudget }) }).catch(() => undefined);
      return plan === undefined ? [] : [[id, plan] as const];
    }),
  );
  modelPlans.value = new Map(plans.flat());
}
