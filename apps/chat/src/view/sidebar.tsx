import type { JSX } from "preact";
import { newConversation } from "../state/conversations.ts";
import { closeDrawer, dialog, focusComposer, narrow, sidebarOpen } from "../state/page.ts";
import { query } from "../state/search.ts";
import { changeSettings, settings, type Theme } from "../state/settings.ts";
import { ChatList } from "./chat-list.tsx";
import { ChatSearch, SearchHits } from "./chat-search.tsx";
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
        <ChatSearch />
        <div class="chats">{query.value.trim() === "" ? <ChatList /> : <SearchHits />}</div>
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
