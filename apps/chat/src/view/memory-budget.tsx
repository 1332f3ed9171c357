import type { JSX } from "preact";
import { settingsHere } from "../state/conversation-settings.ts";
import { budgetMemory } from "../state/memory.ts";
import { plans } from "../state/plans.ts";
import { MEMORY_BUDGETS, settings } from "../state/settings.ts";
import { formatBytes, formatWords } from "../text/format.ts";

/** The most that a conversation's memory may take, and what that buys with the chosen model. */
export function MemoryBudget(): JSX.Element {
  const { memoryBudget } = settings.value;
  const plan = plans.value[settingsHere.value.context];
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
              up to {formatBytes(budget)}
            </option>
          ))}
        </select>
      </div>
      <p class="hint" id="memory-budget-hint">
        {plan === undefined
          ? "What it buys is known once the model is stored."
          : `Keeps about ${formatWords(plan.keeps)} (${formatBytes(plan.bytes)} when full).`}{" "}
        A change loads the model anew, from this device.
      </p>
    </div>
  );
}
