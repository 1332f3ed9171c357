import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { ContextPlan } from "../longtab.ts";
import { settingsHere } from "../state/conversation-settings.ts";
import { budgetMemory } from "../state/memory.ts";
import { budgetPlans, planBudgets, plans } from "../state/plans.ts";
import { MEMORY_BUDGETS, settings } from "../state/settings.ts";
import { formatBytes, formatWords } from "../text/format.ts";

/** The most that a conversation's memory may take; each size says what it buys with the chosen model. */
export function MemoryBudget(): JSX.Element {
  const { memoryBudget } = settings.value;
  const { context } = settingsHere.value;
  useEffect(() => void planBudgets(context, MEMORY_BUDGETS), [context]);
  const plan = plans.value[context];
  return (
    <div class="setting">
      <div class="setting-head">
        <label htmlFor="memory-budget">Memory for a conversation</label>
        <select
          id="memory-budget"
          aria-describedby="memory-budget-hint"
          value={memoryBudget ?? ""}
          onChange={({ currentTarget: { value } }) => budgetMemory(MEMORY_BUDGETS.find((budget) => String(budget) === value) ?? null)}
        >
          <option value="">Automatic</option>
          {MEMORY_BUDGETS.map((budget) => (
            <option key={budget} value={budget}>
              {[formatBytes(budget), ...wordsOf(budgetPlans.value.get(budget))].join(": ")}
            </option>
          ))}
        </select>
      </div>
      <p class="hint" id="memory-budget-hint">
        {plan === undefined
          ? "What it buys is known once the model is stored."
          : `Now: about ${formatWords(plan.keeps)}, in ${formatBytes(plan.bytes)} when full.`}{" "}
        A change loads the model anew, from this device.
      </p>
    </div>
  );
}

function wordsOf(plan: ContextPlan | undefined): string[] {
  return plan === undefined ? [] : [`about ${formatWords(plan.keeps)}`];
}
