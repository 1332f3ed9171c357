import type { JSX } from "preact";
import type { ModelInfo } from "../longtab.ts";
import type { Context } from "../state/chat-settings.ts";
import { type SettingsScope, settingsOf } from "../state/conversation-settings.ts";
import { isEmpty } from "../state/conversations.ts";
import { generation } from "../state/generation.ts";
import { measureModel } from "../state/measure.ts";
import { rememberBy } from "../state/memory.ts";
import { choice, loadedModel } from "../state/model.ts";
import { plans } from "../state/plans.ts";
import { formatBytes, formatWords } from "../text/format.ts";

interface Way {
  name: string;
  does: (words: string) => string;
  costs: string;
}

/** The three ways in which a conversation is remembered, in plain words. */
const WAYS: Record<Context, Way> = {
  auto: {
    name: "Remembers",
    does: () => "Never ends. Keeps what was said, and looks up the parts that matter for each word.",
    costs: "Stays fast in long conversations; memory grows slowly.",
  },
  streaming: {
    name: "Endless",
    does: () => "Never ends. Reads the beginning and the latest part, and forgets what lies between.",
    costs: "The fastest, and the same small memory for ever.",
  },
  dense: {
    name: "Short",
    does: (words) => `Reads everything for each word until its window is full${words}; then a new chat must begin.`,
    costs: "The most exact; slower and larger with every word.",
  },
};

const ORDER: readonly Context[] = ["auto", "streaming", "dense"];

/** The setting of how conversations are remembered, and what is true of the loaded model. */
export function Remembers({ scope }: { scope: SettingsScope }): JSX.Element {
  const { context } = settingsOf(scope);
  const model = loadedModel.value?.model;
  const trained = model?.trainedContextLength ?? choice.value.entry?.contextLength;
  const words = trained === undefined ? "" : `, at about ${formatWords(trained)}`;
  return (
    <div class="setting">
      <fieldset class="ways">
        <legend>Long conversations</legend>
        {ORDER.map((way) => (
          <label key={way} class="way" htmlFor={`context-${way}`}>
            <input id={`context-${way}`} type="radio" name="context" checked={context === way} onChange={() => rememberBy(scope, way)} />
            <span class="way-name">{WAYS[way].name}</span>
            <span class="way-does">{WAYS[way].does(words)}</span>
            <span class="way-costs">
              {WAYS[way].costs} {buys(way)}
            </span>
          </label>
        ))}
      </fieldset>
      {model !== undefined && <p class="hint">Now: {truth(model)}</p>}
      <p class="hint">{changeCosts(scope)}</p>
      {model?.context.headMap.source === "missing" && <MeasureOffer />}
    </div>
  );
}

function buys(way: Context): string {
  const plan = plans.value[way];
  return plan === undefined ? "" : `Up to ${formatWords(plan.keeps)} in ${formatBytes(plan.bytes)}.`;
}

/** What a change of the way costs. */
function changeCosts(scope: SettingsScope): string {
  if (generation.value !== null) return "A change waits for the answer that is being written.";
  if (scope === "defaults" && !isEmpty.value)
    return "A change holds from the next new conversation on; the model is then loaded anew, from this device.";
  return loadedModel.value === null ? "" : "A change loads the model anew, from this device; then it reads this conversation again.";
}

function truth({ context: { description, headMap } }: ModelInfo): string {
  const parts = [description];
  if (headMap.source === "missing") parts.push(headMap.reason);
  return parts.join(" ");
}

function MeasureOffer(): JSX.Element {
  return (
    <div class="other-file">
      <button type="button" class="button" disabled={generation.value !== null} onClick={() => void measureModel()}>
        Measure it here
      </button>
      <p class="hint">It takes some minutes, once. Then the model keeps less and is faster.</p>
    </div>
  );
}
