import type { Place } from "../state/passages.ts";

/** Marks in the conversation's text that add nothing to the page itself: a selection and a copy are as before. */
const NAME = "looked-at";

export function highlight(places: readonly Place[]): void {
  const { highlights } = CSS as Partial<typeof CSS>;
  // Browsers of before 2025 lack it; the list of passages is there all the same.
  if (highlights === undefined) return;
  const ranges = places.flatMap(rangesOf);
  if (ranges.length === 0) highlights.delete(NAME);
  else highlights.set(NAME, new Highlight(...ranges));
}

export function scrollToPlace(place: Place): void {
  const exchange = exchangeElement(place);
  const target = rangesOf(place)[0]?.startContainer.parentElement ?? exchange?.querySelector(".attachment") ?? exchange;
  target?.scrollIntoView({ block: "center", behavior: "smooth" });
}

function exchangeElement({ exchangeId }: Place): Element | null {
  return document.querySelector(`[data-exchange="${CSS.escape(exchangeId)}"]`);
}

/** A question is marked to the letter. Of an answer, whose Markdown became something else, whole blocks are. */
function rangesOf(place: Place): Range[] {
  const exchange = exchangeElement(place);
  if (place.part === "question") {
    const text = exchange?.querySelector(".bubble-text")?.firstChild;
    return text instanceof Text ? [rangeIn(text, place)] : [];
  }
  if (place.part !== "answer") return [];
  const blocks = [...(exchange?.querySelectorAll<HTMLElement>("[data-start]") ?? [])];
  return blocks
    .filter((block, index) => startOf(block) < place.end && place.start < (blocks[index + 1] ? startOf(blocks[index + 1]) : Infinity))
    .map((block) => {
      const range = document.createRange();
      range.selectNodeContents(block);
      return range;
    });
}

function startOf(block: HTMLElement | undefined): number {
  return Number(block?.dataset["start"]);
}

/** A long question is shown by its beginning. */
function rangeIn(text: Text, { start, end }: Place): Range {
  const range = document.createRange();
  range.setStart(text, Math.min(start, text.length));
  range.setEnd(text, Math.min(end, text.length));
  return range;
}
