import type { JSX } from "preact";
import type { CachePart, Kind } from "../state/cache-parts.ts";
import { cacheHere, type ContextFill } from "../state/context.ts";
import { current, isEmpty, newConversation, removeEarliest } from "../state/conversations.ts";
import { generatingHere } from "../state/generation.ts";
import { loadedModel } from "../state/model.ts";
import { dialog } from "../state/page.ts";
import { formatBytes, formatCount, formatTokens } from "../text/format.ts";

/** The kinds in plain words. */
const WORDS: Record<Kind, { name: string; means: string }> = {
  sink: { name: "Beginning", means: "The first words: always read." },
  recent: { name: "Latest", means: "The last words: always read." },
  kept: { name: "Kept", means: "What lies between: read for each word, or where it matters." },
  far: { name: "Far back", means: "Further than the model was trained to read: looked up where it matters." },
  forgotten: { name: "Let go", means: "No longer in view." },
};

/** Where heads differ, what some of them let go others keep. */
const LET_GO_BY_SOME = "Given up by those parts of the model that need only the beginning and the end.";

/** What the model has of the conversation, in figures and words, and the ways out where it ends. */
export function ContextPopover({ fill, parts }: { fill: ContextFill; parts: readonly CachePart[] }): JSX.Element {
  const { used, keeps, endless } = fill;
  return (
    <section class="popover" aria-label="Context">
      <p>
        <strong>{formatCount(used)}</strong> {endless ? (used === 1 ? "token" : "tokens") : `of ${formatCount(keeps)} tokens`}
        {cacheHere.value !== null && !isEmpty.value && <span class="hint"> · {formatBytes(cacheHere.value.bytes)} of memory</span>}
      </p>
      {parts.length > 0 && <Bar fill={fill} parts={parts} />}
      {parts.length > 0 && <Legend parts={parts} />}
      <p class="hint">
        {loadedModel.value?.model.context.description} <ChangeWay />
      </p>
      {!endless && <Ways />}
    </section>
  );
}

/** Lengths are shares of what is kept at most or, once there was more, of all that was read; the smallest part is still seen. */
function Bar({ fill: { used, keeps }, parts }: { fill: ContextFill; parts: readonly CachePart[] }): JSX.Element {
  const whole = Math.max(used, keeps);
  return (
    <div class="parts" aria-hidden="true">
      {parts.map(({ kind, tokens }) => (
        <i key={kind} class={`kind-${kind}`} style={{ width: `${(tokens / whole) * 100}%` }} />
      ))}
    </div>
  );
}

function Legend({ parts }: { parts: readonly CachePart[] }): JSX.Element {
  const { pages } = cacheHere.value ?? {};
  const policy = loadedModel.value?.model.context.policy;
  const held = pages === undefined ? 0 : pages.sink + pages.recent + pages.kept;
  const share = pages === undefined || held === 0 ? 0 : pages.quantised / held;
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
      {share > 0 && <p class="hint">{Math.round(share * 100)}% of what is held is stored in fewer bits.</p>}
    </>
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
        disabled={generatingHere.value || current.value.exchanges.length < 2}
        onClick={() => void removeEarliest()}
      >
        Delete early messages
      </button>
    </div>
  );
}
