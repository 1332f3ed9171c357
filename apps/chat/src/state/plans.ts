import { computed, effect, signal } from "@preact/signals";
import { type ContextPlan, Longtab } from "../longtab.ts";
import { choice, storedChoice } from "./model.ts";
import type { Context } from "./chat-settings.ts";
import { settings } from "./settings.ts";

/** What each way to remember would buy with the chosen model; empty where nothing is known of it before it is stored. */
export const plans = signal<Partial<Record<Context, ContextPlan>>>({});

const CONTEXTS: readonly Context[] = ["auto", "streaming", "dense"];

/** The chosen model, where something is known of it. */
const known = computed(() => {
  const stored = storedChoice.value;
  return choice.value.entry?.id ?? (stored?.complete === true ? stored.id : undefined);
});

/** What each size of memory would buy with the chosen model; empty where nothing is known of it before it is stored. */
export const budgetPlans = signal<ReadonlyMap<number, ContextPlan>>(new Map());

/** For a conversation that is remembered so. */
export async function planBudgets(context: Context, budgets: readonly number[]): Promise<void> {
  const id = known.peek();
  const found = await Promise.all(
    budgets.map(async (memoryBudget) => {
      const plan = id && (await Longtab.models.plan(id, { context, memoryBudget }).catch(() => undefined));
      return plan ? [[memoryBudget, plan] as const] : [];
    }),
  );
  budgetPlans.value = new Map(found.flat());
}

/** Plans anew whenever another model is chosen, or its file has come. */
export function startPlans(): void {
  effect(() => {
    const id = known.value;
    const { memoryBudget } = settings.value;
    plans.value = {};
    if (id === undefined) return;
    for (const context of CONTEXTS) {
      Longtab.models
        .plan(id, { context, ...(memoryBudget !== null && { memoryBudget }) })
        .then((plan) => {
          if (known.peek() === id && settings.peek().memoryBudget === memoryBudget) plans.value = { ...plans.peek(), [context]: plan };
        })
        // A model that cannot be planned fails when it is loaded, where its error can be shown.
        .catch(() => undefined);
    }
  });
}
