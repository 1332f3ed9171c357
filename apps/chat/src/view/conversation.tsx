import { useComputed, useSignal } from "@preact/signals";
import { Fragment, type JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { current, shownExchanges } from "../state/conversations.ts";
import { generation } from "../state/generation.ts";
import { viewBoundary } from "../state/passages.ts";
import { copyCodeOnClick } from "./copying.ts";
import { following } from "./following.ts";
import { Icon } from "./icons.tsx";
import { useMarks } from "./looked-at.tsx";
import { ExchangeView } from "./message.tsx";

/** So near to the end a person counts as reading it; pixels. */
const AT_END = 48;

/** The exchanges, following the newest line unless the person has scrolled away. */
export function ConversationView(): JSX.Element {
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const atEnd = useSignal(true);
  const { id } = current.value;
  const exchanges = shownExchanges.value;
  const view = viewBoundary(current.value, "outOfView");
  const far = viewBoundary(current.value, "farBack");
  useMarks();

  const toEnd = (): void => {
    following.current = true;
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  };

  // A conversation opens at its end, and a question just sent is shown wherever the person was.
  const answering = useComputed(() => generation.value?.exchangeId).value;
  useLayoutEffect(toEnd, [id]);
  useLayoutEffect(() => {
    if (answering !== undefined) toEnd();
  }, [answering]);

  useEffect(() => {
    const element = scroller.current;
    const grows = content.current;
    if (element === null || grows === null) return undefined;
    const grown = new ResizeObserver(() => {
      if (following.current) element.scrollTo({ top: element.scrollHeight });
      atEnd.value = isAtEnd(element);
    });
    grown.observe(grows);
    grown.observe(element);
    grows.addEventListener("click", copyCodeOnClick);
    return () => {
      grown.disconnect();
      grows.removeEventListener("click", copyCodeOnClick);
    };
  }, [atEnd]);

  const onScroll = (): void => {
    if (scroller.current === null) return;
    atEnd.value = isAtEnd(scroller.current);
    following.current = atEnd.value;
  };
  const shown = useComputed(() => !atEnd.value);

  return (
    <div class="conversation-frame">
      <main class="scroller" ref={scroller} onScroll={onScroll} tabIndex={-1} aria-label="Conversation">
        <div class="column exchanges" ref={content}>
          {/* By its parent: another version of a message takes the place of the one before, its switch and the focus on it included. */}
          {exchanges.map((exchange, index) => (
            <Fragment key={exchange.parent ?? ""}>
              {exchange.id === view?.exchangeId && <ViewLine partly={view.partly} first={index === 0} far={false} />}
              {exchange.id === far?.exchangeId && <ViewLine partly={far.partly} first={index === 0} far />}
              <ExchangeView exchange={exchange} last={index === exchanges.length - 1} />
            </Fragment>
          ))}
        </div>
      </main>
      {shown.value && (
        <button type="button" class="jump" onClick={toEnd}>
          <Icon name="down" size={16} /> Latest
        </button>
      )}
    </div>
  );
}

/** Where the model's view of the conversation begins, and from where on it need not look things up. */
function ViewLine({ partly, first, far }: { partly: boolean; first: boolean; far: boolean }): JSX.Element {
  const [what, be] = !partly
    ? ["Earlier messages", "are"]
    : first
      ? ["Part of this message", "is"]
      : ["Earlier messages and part of this one", "are"];
  return (
    <p class="view-line">
      <span>
        {what} {be} {far ? "far back: looked up where it matters" : "no longer in view"}
      </span>
    </p>
  );
}

function isAtEnd(element: HTMLElement): boolean {
  return element.scrollHeight - element.scrollTop - element.clientHeight < AT_END;
}
