import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ConversationSummary } from "../state/conversation.ts";
import { groupByAge } from "../state/conversation-groups.ts";
import { current, pinConversation, removeConversation, renameConversation, summaries } from "../state/conversations.ts";
import { exportAsJson, exportAsMarkdown } from "../state/exporting.ts";
import { endAnswer, generation } from "../state/generation.ts";
import { closeDrawer } from "../state/page.ts";
import { Menu, MenuItem } from "./menu.tsx";

/** The conversations by age, the pinned ones first. */
export function ChatList(): JSX.Element {
  return (
    <>
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
    </>
  );
}

function ChatItem({ summary: { id, title, pinned = false } }: { summary: ConversationSummary }): JSX.Element {
  const renaming = useSignal(false);
  const shown = current.value.id === id;
  if (renaming.value) return <RenameItem id={id} title={title} onDone={() => (renaming.value = false)} />;
  return (
    <li class={shown ? "chat-item shown" : "chat-item"}>
      <a href={`#/chat/${id}`} aria-current={shown ? "page" : undefined} onClick={closeDrawer} title={title}>
        <span class="chat-title" dir="auto">
          {title}
        </span>
        {generation.value?.conversationId === id && <GeneratingDot />}
      </a>
      <Menu label={`More for “${title}”`}>
        <MenuItem icon="pencil" label={`Rename “${title}”`} onClick={() => (renaming.value = true)}>
          Rename
        </MenuItem>
        <MenuItem
          icon={pinned ? "unpin" : "pin"}
          label={pinned ? `Unpin “${title}”` : `Pin “${title}”`}
          onClick={() => void pinConversation(id, !pinned)}
        >
          {pinned ? "Unpin" : "Pin"}
        </MenuItem>
        <MenuItem icon="download" label={`Export “${title}” as Markdown`} onClick={() => void exportAsMarkdown(id)}>
          Export as Markdown
        </MenuItem>
        <MenuItem icon="download" label={`Export “${title}” as JSON`} onClick={() => void exportAsJson(id)}>
          Export as JSON
        </MenuItem>
        <MenuItem icon="trash" label={`Delete “${title}”`} onClick={() => void endAnswer(id).then(async () => removeConversation(id))}>
          Delete
        </MenuItem>
      </Menu>
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
        dir="auto"
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
