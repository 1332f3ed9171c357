import type { JSX } from "preact";
import type { ModelInfo } from "../longtab.ts";
import type { CachePart, Kind } from "../state/cache-parts.ts";
import { cacheHere, type ContextFill } from "../state/context.ts";
import { isEmpty, newConversation, removeEarliest, shownExchanges } from "../state/conversations.ts";
import { generatingHere } from "../state/generation.ts";
import { loadedModel } from "../state/model.ts";
import { dialog } from "../state/page.ts";
import { remembersAsHere } from "../state/remembering.ts";
import { formatBytes, formatBytesOf, formatCount, formatTokens, formatWords } from "../text/format.ts";
import { PagePicture } from "./page-picture.tsx";

/** The kinds in plain words. */
const WORDS: Record<Kind, { name: string; means: string }> = {
  sink: { name: "Beginning", means: "The first words: always read." },
  recent: { name: "Latest", means: "The last words: always read." },
  kept: { name: "Kept", means: "What lies between: read for each word, or where it matters." },
  far: { name: "Far back", means: "Further than the model was trained to read: looked up where it matters." },
  away: { name: "Set aside", means: "Out of the model's memory, on this device: brought back where it matters." },
  forgotten: { name: "Let go", means: "No longer in view." },
};

/** Where heads differ, what some of them let go others keep. */
const LET_GO_BY_SOME = "Given up by those parts of the model that need only the beginning and the end.";

/** What the model has of the conversation, in figures and words, and the ways out where it ends. */
export function ContextPopover({ fill, parts }: { fill: ContextFill; parts: readonly CachePart[] }): JSX.Element {
  const { used, keeps, endless } = fill;
  const model = loadedModel.value?.model;
  return (
    <section class="popover" aria-label="Context">
      <p>
        <strong>{formatCount(used)}</strong> {endless ? (used === 1 ? "token" : "tokens") : `of ${formatCount(keeps)} tokens`}
      </p>
      {parts.length > 0 && <PagePicture parts={parts} />}
      {parts.length > 0 && <Legend parts={parts} />}
      {parts.length > 0 && model !== undefined && <Memory budget={model.memory.kvBudget} keeps={keeps} />}
      {!remembersAsHere.value && (
        <p class="hint">This is how the model was loaded; it is loaded anew for this conversation when you send.</p>
      )}
      <p class="hint">
        {model?.context.description} <ChangeWay />
      </p>
      {!endless && <Ways />}
    </section>
  );
}

function Legend({ parts }: { parts: readonly CachePart[] }): JSX.Element {
  const policy = loadedModel.value?.model.context.policy;
  const looked = shownExchanges.value.at(-1)?.answer?.looked?.length ?? 0;
  return (
    <>
      <dl class="kinds">
        {parts.map(({ kind, tokens, bytes }) => (
          <div key={kind}>
            <dt>
              <i class={`swatch kind-${kind}`} />
              {WORDS[kind].name}
            </dt>
            <dd>
              {formatTokens(Math.round(tokens))}
              {bytes > 0 && ` · ${formatBytes(bytes)}`}
            </dd>
            <dd class="hint">{kind === "forgotten" && policy !== "streaming" ? LET_GO_BY_SOME : WORDS[kind].means}</dd>
          </div>
        ))}
      </dl>
      {looked > 0 && <p class="hint">The last answer looked up {looked === 1 ? "one passage" : `${looked} passages`} of it.</p>}
    </>
  );
}

/** Of keys and values. */
const BITS: Record<ModelInfo["context"]["kv"], string> = { f16: "16", kv8: "8", k8v4: "8 and 4", kv4: "4", mixed: "4 to 8" };

/** Bytes that the conversation takes, of those that it may, and in how many bits they are stored. */
function Memory({ budget, keeps }: { budget: number; keeps: number }): JSX.Element | null {
  const cache = cacheHere.value;
  if (cache === null) return null;
  const { sink, recent, kept, quantised } = cache.pages;
  const held = sink + recent + kept;
  const bits = BITS[loadedModel.value?.model.context.kv ?? "f16"];
  const share = held === 0 ? 0 : quantised / held;
  return (
    <div class="memory">
      <p class="loading-line">
        <span>Memory</span>
        <span>{formatBytesOf(cache.bytes, Math.max(budget, cache.bytes))}</span>
      </p>
      <progress aria-label="Memory of this conversation" value={cache.bytes} max={Math.max(budget, cache.bytes)} />
      <p class="hint">
        Enough for about {formatWords(keeps)}.
        {share > 0 && ` ${Math.round(share * 100)}% of what is held is stored in ${bits} bits a number instead of 16.`}
      </p>
    </div>
  );
}

function ChangeWay(): JSX.Element {
  return (
    <button type="button" class="text-button" onClick={() => (dialog.value = "settings")}>
      Change
    </button>
  );
}

/** A context that ends has ways on. */
function Ways(): JSX.Element {
  return (
    <div class="popover-ways">
      <button type="button" class="button" disabled={isEmpty.value} onClick={newConversation}>
        New chat
      </button>
      <button
        type="button"
        class="button"
        disabled={generatingHere.value || shownExchanges.value.length < 2}
        onClick={() => void removeEarliest()}
      >
        Delete early messages
      </button>
    </div>
  );
}
