import { useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { openConversation, showVersion, summaries } from "../state/conversations.ts";
import { announce } from "../state/notices.ts";
import { closeDrawer, focusComposer, SEARCH_ID } from "../state/page.ts";
import { type Hit, hits, indexed, MOST_HITS, query } from "../state/search.ts";
import { Icon, IconButton } from "./icons.tsx";

/** Words that were said, in any conversation: the list beside it narrows with every letter. */
export function ChatSearch(): JSX.Element | null {
  useSignalEffect(() => {
    if (query.value.trim() === "" || !indexed.value) return;
    const { length } = hits.value;
    announce(length === 0 ? "Nothing found" : length === 1 ? "One conversation found" : `${length} conversations found`);
  });
  if (summaries.value.length === 0 && query.value === "") return null;
  return (
    <search class="chat-search">
      <Icon name="search" size={17} />
      <input
        id={SEARCH_ID}
        type="search"
        dir="auto"
        aria-label="Search conversations"
        placeholder="Search"
        title="Search (Ctrl K)"
        autocomplete="off"
        value={query.value}
        onInput={(event) => (query.value = event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {query.value !== "" && <IconButton icon="close" size={16} label="Clear the search" onClick={clear} />}
    </search>
  );
}

function clear(): void {
  query.value = "";
  document.getElementById(SEARCH_ID)?.focus();
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.key === "Escape") {
    event.stopPropagation();
    if (query.peek() === "") focusComposer();
    query.value = "";
  } else if (event.key === "ArrowDown") {
    event.preventDefault();
    hitLinks()[0]?.focus();
  } else if (event.key === "Enter" && !event.isComposing) hitLinks()[0]?.click();
}

function hitLinks(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("#search-hits a")];
}

export function SearchHits(): JSX.Element {
  const found = hits.value;
  return (
    <section>
      <h2>
        {found.length === 0
          ? indexed.value
            ? "Nothing found"
            : "Searching"
          : found.length === MOST_HITS
            ? `The newest ${MOST_HITS}`
            : "Found"}
      </h2>
      <ul id="search-hits">
        {found.map((hit) => (
          <HitItem key={hit.summary.id} hit={hit} />
        ))}
      </ul>
    </section>
  );
}

function HitItem({ hit: { summary, found } }: { hit: Hit }): JSX.Element {
  const open = (event: MouseEvent): void => {
    event.preventDefault();
    closeDrawer();
    void openConversation(summary.id).then(async () => {
      if (found === undefined) return;
      // It may have been said in a branch that is not shown.
      await showVersion(found.exchangeId);
      requestAnimationFrame(() => document.querySelector(`[data-exchange="${CSS.escape(found.exchangeId)}"]`)?.scrollIntoView());
    });
  };
  return (
    <li class="chat-item hit">
      <a href={`#/chat/${summary.id}`} onClick={open} onKeyDown={moveAmongHits}>
        <span class="chat-title" dir="auto">
          {summary.title}
        </span>
        {found !== undefined && (
          <span class="hit-text" dir="auto">
            {found.before}
            <mark>{found.match}</mark>
            {found.after}
          </span>
        )}
      </a>
    </li>
  );
}

function moveAmongHits(event: KeyboardEvent): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (event.key === "Escape") {
    event.stopPropagation();
    clear();
  }
  if (step === 0) return;
  event.preventDefault();
  const links = hitLinks();
  const next = links.findIndex((link) => link === document.activeElement) + step;
  if (next < 0) document.getElementById(SEARCH_ID)?.focus();
  else links[next]?.focus();
}
