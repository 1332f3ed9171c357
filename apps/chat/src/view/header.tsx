import type { JSX } from "preact";
import { current, isEmpty, newConversation } from "../state/conversations.ts";
import { choice, modelState } from "../state/model.ts";
import { dialog, sidebarOpen } from "../state/page.ts";
import { ContextRing } from "./context-ring.tsx";
import { IconButton } from "./icons.tsx";
import { OfflineBadge } from "./offline-badge.tsx";

const STATE_WORDS = {
  checking: "looking",
  unavailable: "cannot run here",
  idle: "not loaded",
  loading: "loading",
  measuring: "being measured",
  ready: "ready",
  failed: "failed",
  lost: "stopped",
} as const;

export function Header(): JSX.Element {
  const closed = !sidebarOpen.value;
  return (
    <header class="header">
      {closed && <IconButton icon="panel" label="Show conversations" expanded={false} onClick={() => (sidebarOpen.value = true)} />}
      {closed && <IconButton icon="plus" label="New chat" class="header-new" onClick={newConversation} />}
      {isEmpty.value ? <span class="header-title" /> : <h1 class="header-title">{current.value.title}</h1>}
      <OfflineBadge />
      <ModelChip />
      <ContextRing />
    </header>
  );
}

function ModelChip(): JSX.Element {
  const { at } = modelState.value;
  return (
    <button type="button" class="chip model-chip" data-state={at} title="Models" onClick={() => (dialog.value = "models")}>
      <i class={`dot ${at}`} />
      <span class="chip-name">{choice.value.name}</span>
      <span class="unseen">, {STATE_WORDS[at]}</span>
    </button>
  );
}
