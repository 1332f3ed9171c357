import { signal } from "@preact/signals";

/** One line at the foot of the page that goes by itself, with a way back where something was taken away. */
export interface Notice {
  text: string;
  undo?: () => void;
}

/** So long a notice stands, and what it tells of can be taken back. */
export const NOTICE_MS = 8000;

export const notice = signal<Notice | null>(null);
/** What a screen reader says next; the visible page says it elsewhere. */
export const announcement = signal("");

let timer: ReturnType<typeof setTimeout> | undefined;

export function notify(text: string, undo?: () => void): void {
  clearTimeout(timer);
  notice.value = undo === undefined ? { text } : { text, undo };
  announce(undo === undefined ? text : `${text} Undo is available.`);
  timer = setTimeout(dismissNotice, NOTICE_MS);
}

export function dismissNotice(): void {
  clearTimeout(timer);
  notice.value = null;
}

/** A live region speaks only what changes: a text that comes twice gets an invisible difference. */
export function announce(text: string): void {
  announcement.value = announcement.peek() === text ? `${text}\u200b` : text;
}
