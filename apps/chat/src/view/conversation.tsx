import { useComputed, useSignal } from "@preact/signals";
import { Fragment, type JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { current } from "../state/conversations.ts";
import { generation } from "../state/generation.ts";
import { viewBoundary } from "../state/passages.ts";
import { copyCodeOnClick } from "./copying.ts";
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
  const following = useRef(true);
  const { id, exchanges } = current.value;
  const boundary = viewBoundary(current.value);
  useMarks();

  const toEnd = (): void => {
    following.current = true;
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  };

  // A conversation opens at its end, and a question just sent is shown wherever the person was.
  const answering = generation.value?.exchangeId;
  useLayoutEffect(toEnd, [id, exchanges.length, answering]);

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
          {exchanges.map((exchange, index) => (
            <Fragment key={exchange.id}>
              {exchange.id === boundary?.exchangeId && <ViewLine partly={boundary.partly} first={index === 0} />}
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

/** Where the model's view of the conversation begins. */
function ViewLine({ partly, first }: { partly: boolean; first: boolean }): JSX.Element {
  const what = !partly
    ? "Earlier messages are no longer in view"
    : first
      ? "Part of this message is no longer in view"
      : "Earlier messages and part of this one are no longer in view";
  return <p class="view-line">{what}</p>;
}

function isAtEnd(element: HTMLElement): boolean {
  return element.scrollHeight - element.scrollTop - element.clientHeight < AT_END;
}
