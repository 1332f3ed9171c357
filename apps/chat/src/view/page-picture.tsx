import type { JSX } from "preact";
import type { CachePart } from "../state/cache-parts.ts";
import { squaresOf } from "../state/page-squares.ts";
import { formatTokens } from "../text/format.ts";

/** Five rows on the narrowest screen. */
const MOST_SQUARES = 120;

/** What the model has of the conversation, as squares that differ by pattern and colour; the legend below says it in words. */
export function PagePicture({ parts }: { parts: readonly CachePart[] }): JSX.Element {
  const { tokensEach, squares } = squaresOf(parts, MOST_SQUARES);
  return (
    <figure class="pages">
      <div class="page-squares" aria-hidden="true">
        {squares.map((kind, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- a square is nothing but its place
          <i key={`${index}`} class={`kind-${kind}`} />
        ))}
      </div>
      <figcaption class="hint">A square is {formatTokens(tokensEach)}.</figcaption>
    </figure>
  );
}
