import { signal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { textOf } from "../state/attached-texts.ts";
import type { Exchange } from "../state/conversation.ts";
import { current, shownExchanges } from "../state/conversations.ts";
import type { Place } from "../state/passages.ts";
import { highlight, scrollToPlace } from "./highlight.ts";

/** The exchange whose answer shows what it looked at; one at a time, so that the marks in the conversation are its own. */
const shown = signal<string | null>(null);

export function LookedAtButton({ exchange }: { exchange: Exchange }): JSX.Element | null {
  if (exchange.answer?.looked === undefined) return null;
  const open = shown.value === exchange.id;
  return (
    <button type="button" class="text-button looked-button" aria-expanded={open} onClick={() => (shown.value = open ? null : exchange.id)}>
      {open ? "Hide what it looked at" : "Show what it looked at"}
    </button>
  );
}

/** The passages that the model looked up for an answer, each a way to its place. */
export function LookedAt({ exchange }: { exchange: Exchange }): JSX.Element | null {
  const places = exchange.answer?.looked;
  if (shown.value !== exchange.id || places === undefined) return null;
  return (
    <ul class="looked" aria-label="What it looked at">
      {places.map((place) => (
        <li key={`${place.exchangeId} ${JSON.stringify(place.part)} ${place.start}`}>
          <button type="button" onClick={() => scrollToPlace(place)}>
            <span class="looked-where">{nameOf(place)}</span>
            <Excerpt place={place} />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Keeps the marks in the conversation in step with what is shown. */
export function useMarks(): void {
  useSignalEffect(() => {
    const exchange = shownExchanges.value.find(({ id }) => id === shown.value);
    // Once the conversation is on screen as it is now.
    requestAnimationFrame(() => highlight(exchange?.answer?.looked ?? []));
  });
}

function exchangeOf({ exchangeId }: Place): Exchange | undefined {
  return current.value.exchanges.find(({ id }) => id === exchangeId);
}

function nameOf(place: Place): string {
  const { part } = place;
  if (part === "question") return "Your message";
  if (part === "answer") return "An answer";
  return exchangeOf(place)?.attachments?.find(({ id }) => id === part.attachmentId)?.name ?? "An attached text";
}

/** Characters of what surrounds a passage that are shown, so that it can be read. */
const AROUND = 70;

function Excerpt({ place }: { place: Place }): JSX.Element {
  const { part, start, end } = place;
  const exchange = exchangeOf(place);
  const whole = part === "question" ? exchange?.question : part === "answer" ? exchange?.answer?.text : textOf(part.attachmentId);
  if (whole === undefined) return <q>…</q>;
  const [from, to] = [wordStart(whole, Math.max(0, start - AROUND)), wordEnd(whole, Math.min(whole.length, end + AROUND))];
  const plain = (a: number, b: number): string => whole.slice(a, b).toWellFormed().replace(/\s+/g, " ");
  return (
    <q>
      {from > 0 && "…"}
      {plain(from, start).trimStart()}
      <mark>{plain(start, end)}</mark>
      {plain(end, to).trimEnd()}
      {to < whole.length && "…"}
    </q>
  );
}

function wordStart(text: string, at: number): number {
  while (at > 0 && /\S/.test(text.charAt(at - 1))) at--;
  return at;
}

function wordEnd(text: string, at: number): number {
  while (at < text.length && /\S/.test(text.charAt(at))) at++;
  return at;
}
