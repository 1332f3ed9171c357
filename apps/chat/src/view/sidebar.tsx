import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ConversationSummary } from "../state/conversation.ts";
import { current, newConversation, removeConversation, renameConversation, summaries } from "../state/conversations.ts";
import { groupByAge } from "../state/conversation-groups.ts";
import { generation } from "../state/generation.ts";
import { closeDrawer, dialog, focusComposer, narrow, sidebarOpen } from "../state/page.ts";
import { changeSettings, settings, type Theme } from "../state/settings.ts";
import { IconButton, type IconName, Icon, Mark } from "./icons.tsx";
import { InstallButton } from "./install-button.tsx";

export function Sidebar(): JSX.Element {
  const open = sidebarOpen.value;
  return (
    <>
      {narrow.value && open && <button type="button" class="backdrop" aria-label="Hide conversations" onClick={closeDrawer} />}
      <nav class="sidebar" aria-label="Conversations" inert={!open}>
        <div class="sidebar-head">
          <Mark />
          <span class="wordmark">Longtab</span>
          <IconButton
            icon={narrow.value ? "close" : "panel"}
            label="Hide conversations"
            expanded={open}
            onClick={() => (sidebarOpen.value = false)}
          />
        </div>
        <button
          type="button"
          class="new-chat"
          onClick={() => {
            closeDrawer();
            newConversation();
            focusComposer();
          }}
        >
          <Icon name="plus" /> New chat
        </button>
        <div class="chats">
          {summaries.value.length === 0 && <p class="hint">Conversations are kept here, in this browser only.</p>}
          {groupByAge(summaries.value, Date.now()).map(({ name, items }) => (
            <section key={name}>
              <h2>{name}</h2>
              <ul>
                {items.map((summary) => (
                  <ChatItem key={summary.id} summary={summary} />
                ))}
              </ul>
            </section>
          ))}
        </div>
        <InstallButton />
        <div class="sidebar-foot">
          <button type="button" class="foot-button" onClick={() => (dialog.value = "settings")}>
            <Icon name="sliders" /> Settings
          </button>
          <IconButton icon="keyboard" label="Keyboard shortcuts" class="pointer-only" onClick={() => (dialog.value = "shortcuts")} />
          <ThemeButton />
        </div>
      </nav>
    </>
  );
}

function ChatItem({ summary: { id, title } }: { summary: ConversationSummary }): JSX.Element {
  const renaming = useSignal(false);
  const shown = current.value.id === id;
  if (renaming.value) return <RenameItem id={id} title={title} onDone={() => (renaming.value = false)} />;
  return (
    <li class={shown ? "chat-item shown" : "chat-item"}>
      <a href={`#/chat/${id}`} aria-current={shown ? "page" : undefined} onClick={closeDrawer} title={title}>
        <span class="chat-title">{title}</span>
        {generation.value?.conversationId === id && <GeneratingDot />}
      </a>
      <IconButton icon="pencil" size={16} label={`Rename “${title}”`} onClick={() => (renaming.value = true)} />
      <IconButton
        icon="trash"
        size={16}
        label={`Delete “${title}”`}
        onClick={() => {
          if (generation.peek()?.conversationId === id) generation.peek()?.stop();
          void removeConversation(id);
        }}
      />
    </li>
  );
}

function GeneratingDot(): JSX.Element {
  return (
    <>
      <i class="dot loading" />
      <span class="unseen">, an answer is being written</span>
    </>
  );
}

function RenameItem({ id, title, onDone }: { id: string; title: string; onDone: () => void }): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const cancelled = useRef(false);
  useEffect(() => field.current?.select(), []);
  return (
    <li class="chat-item">
      <input
        ref={field}
        type="text"
        aria-label="Title"
        defaultValue={title}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.stopPropagation();
            cancelled.current = true;
          }
          if (event.key === "Escape" || (event.key === "Enter" && !event.isComposing)) event.currentTarget.blur();
        }}
        onBlur={(event) => {
          if (!cancelled.current && event.currentTarget.value !== title) void renameConversation(id, event.currentTarget.value);
          onDone();
        }}
      />
    </li>
  );
}

const NEXT_THEME: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
const THEME_ICONS: Record<Theme, IconName> = { auto: "auto", light: "sun", dark: "moon" };
const THEME_WORDS: Record<Theme, string> = { auto: "as the system", light: "light", dark: "dark" };

function ThemeButton(): JSX.Element {
  const { theme } = settings.value;
  const next = NEXT_THEME[theme];
  return (
    <IconButton
      icon={THEME_ICONS[theme]}
      label={`Colours: ${THEME_WORDS[theme]}. Change to ${THEME_WORDS[next]}`}
      onClick={() => changeSettings({ theme: next })}
    />
  );
}
