import type { JSX } from "preact";
import { current } from "../state/conversations.ts";
import { setDraft } from "../state/drafts.ts";
import { send } from "../state/generation.ts";
import { loadedModel, storedModels } from "../state/model.ts";
import { FirstVisit } from "./first-visit.tsx";
import { Mark } from "./icons.tsx";
import { ModelCard } from "./model-card.tsx";

/** Questions that a very small model answers well: short texts and everyday matters. */
const SUGGESTIONS = [
  "Why is the sky blue?",
  "Write a short poem about autumn rain.",
  "Give me three ideas for a simple dinner.",
  "Explain photosynthesis to a child.",
];

/** An empty conversation: who is here, before there is anything to read. */
export function Welcome(): JSX.Element {
  const ready = loadedModel.value !== null;
  return (
    <main class="scroller" tabIndex={-1} aria-label="Conversation">
      <div class={ready ? "column welcome ready" : "column welcome"}>{ready ? <Greeting /> : <Introduction />}</div>
    </main>
  );
}

function Introduction(): JSX.Element {
  const known = storedModels.value.some((model) => model.complete);
  return (
    <>
      <div class="hero">
        <Mark size={44} />
        <h1>A language model that lives in this tab</h1>
        {!known && <p>It runs on your own device. No account, no server: nothing you write leaves it.</p>}
      </div>
      <ModelCard compact={false} />
      {!known && <FirstVisit />}
    </>
  );
}

function Greeting(): JSX.Element {
  return (
    <>
      <div class="hero">
        <Mark size={44} />
        <h1>What is on your mind?</h1>
      </div>
      <ul class="suggestions" aria-label="Suggestions">
        {SUGGESTIONS.map((text) => (
          <li key={text}>
            <button
              type="button"
              onClick={() => {
                setDraft(current.peek().id, text);
                void send();
              }}
            >
              {text}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
