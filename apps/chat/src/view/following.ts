/** Whether the page follows the newest line of a conversation: until the person scrolls away, or changes something further up. */
export const following = { current: true };

/** Keeps an element where it is on screen while what is around it is exchanged. */
export function keepInPlace(element: HTMLElement, exchange: () => void): void {
  const scroller = element.closest(".scroller");
  const { top } = element.getBoundingClientRect();
  following.current = false;
  exchange();
  requestAnimationFrame(() => scroller?.scrollBy({ top: element.getBoundingClientRect().top - top, behavior: "instant" }));
}
