import { useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { attachedHere } from "./state/attachments.ts";
import { current, draft, isEmpty, newConversation } from "./state/conversations.ts";
import { generation, stop } from "./state/generation.ts";
import { modelState } from "./state/model.ts";
import { closeDrawer, dialog, focusComposer, focusSearch, narrow, sidebarOpen } from "./state/page.ts";
import { Banners } from "./view/banners.tsx";
import { Composer, ComposerNote } from "./view/composer.tsx";
import { ConversationView } from "./view/conversation.tsx";
import { DropTarget } from "./view/drop-target.tsx";
import { Header } from "./view/header.tsx";
import { ModelCard } from "./view/model-card.tsx";
import { ModelsDialog } from "./view/models-dialog.tsx";
import { SettingsDialog } from "./view/settings-dialog.tsx";
import { ShortcutsDialog } from "./view/shortcuts-dialog.tsx";
import { Sidebar } from "./view/sidebar.tsx";
import { LiveRegion, Toast } from "./view/notices.tsx";
import { Welcome } from "./view/welcome.tsx";

export function App(): JSX.Element {
  useSignalEffect(() => {
    document.title = isEmpty.value ? "Longtab" : `${current.value.title} · Longtab`;
  });
  useEffect(() => {
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
  return (
    <div class={sidebarOpen.value ? "app with-sidebar" : "app"}>
      <button type="button" class="skip" onClick={focusComposer}>
        Skip to the message field
      </button>
      <Sidebar />
      <div class="stage" inert={narrow.value && sidebarOpen.value}>
        <Header />
        <Banners />
        {isEmpty.value ? <Welcome /> : <ConversationView key={current.value.id} />}
        <Dock />
      </div>
      <DropTarget />
      {dialog.value === "settings" && <SettingsDialog />}
      {dialog.value === "models" && <ModelsDialog />}
      {dialog.value === "shortcuts" && <ShortcutsDialog />}
      {/* Behind an open sheet nothing can be reached or heard: there the sheet has its own. */}
      {dialog.value === null && <Toast />}
      <LiveRegion />
    </div>
  );
}

/** What stays at the foot: the model where it is not ready, and the message field. On a first visit the model card alone speaks. */
function Dock(): JSX.Element | null {
  const { at } = modelState.value;
  if (isEmpty.value && at !== "ready" && at !== "loading" && at !== "measuring" && draft.value === "" && attachedHere.value.length === 0)
    return null;
  return (
    <footer class="dock">
      <div class="column">
        {!isEmpty.value && at !== "ready" && <ModelCard compact />}
        <Composer />
        <ComposerNote />
      </div>
    </footer>
  );
}

function onKeyDown(event: KeyboardEvent): void {
  const mod = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (key === "escape" && dialog.peek() === null) {
    if (narrow.peek() && sidebarOpen.peek()) closeDrawer();
    else if (generation.peek() !== null) stop();
  } else if (mod && event.shiftKey && key === "o") {
    event.preventDefault();
    newConversation();
    focusComposer();
  } else if (mod && event.shiftKey && key === "s") {
    event.preventDefault();
    sidebarOpen.value = !sidebarOpen.peek();
  } else if ((mod && key === "k" && !event.shiftKey) || (key === "/" && !mod && dialog.peek() === null && !isField(event.target))) {
    event.preventDefault();
    dialog.value = null;
    focusSearch();
  } else if (mod && key === ",") {
    event.preventDefault();
    dialog.value = "settings";
  } else if (mod && key === "/") {
    event.preventDefault();
    dialog.value = "shortcuts";
  } else if (key === "arrowup" && event.target instanceof HTMLTextAreaElement && event.target.id === "composer" && draft.peek() === "") {
    event.preventDefault();
    document.querySelector<HTMLButtonElement>(".exchange.last .question button[aria-label='Edit message']")?.click();
  }
}

function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches("input, textarea, select, [contenteditable]");
}
