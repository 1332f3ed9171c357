import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { NO_BLOCKS, normaliseLines, updateBlocks } from "../markdown/blocks.ts";
import { renderMarkdown } from "../markdown/render.ts";

/** A message's Markdown. While it grows only its last block is parsed, sanitised and put into the page again. */
export function Markdown({ text }: { text: string }): JSX.Element {
  const list = useRef(NO_BLOCKS);
  list.current = updateBlocks(list.current, normaliseLines(text));
  return (
    <div class="markdown">
      {list.current.blocks.map(({ start, raw, code }) =>
        code === undefined ? <RenderedBlock key={start} start={start} source={raw} /> : <CodeBlock key={start} start={start} {...code} />,
      )}
    </div>
  );
}

/** `start`: characters of the text before it. */
function RenderedBlock({ start, source }: { start: number; source: string }): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => element.current?.replaceChildren(renderMarkdown(source)), [source]);
  return <div class="block" dir="auto" data-start={start} ref={element} />;
}

/** Text in, text node out: a selection in it survives while the code grows. */
function CodeBlock({ start, text, language }: { start: number; text: string; language: string }): JSX.Element {
  return (
    <div class="code-block" data-start={start}>
      <div class="code-bar">
        <span>{language}</span>
        <button type="button" class="copy-code">
          Copy
        </button>
      </div>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- Safari gives the keyboard no other way to scroll it */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </div>
  );
}
