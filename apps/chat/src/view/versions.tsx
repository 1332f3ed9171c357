import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { Version } from "../state/branches.ts";
import { showVersion } from "../state/conversations.ts";
import { announce } from "../state/notices.ts";
import { keepInPlace } from "./following.ts";
import { IconButton } from "./icons.tsx";

/** ‹ 2/3 ›: goes through the versions of a message or an answer; behind the last comes the first. */
export function VersionSwitch({ version, of }: { version: Version | null; of: "message" | "answer" }): JSX.Element | null {
  const element = useRef<HTMLFieldSetElement>(null);
  if (version === null) return null;
  const { at, of: count, previous, next } = version;
  const show = (exchangeId: string, number: number): void => {
    const exchange = (): void => void showVersion(exchangeId);
    if (element.current === null) exchange();
    else keepInPlace(element.current, exchange);
    announce(`${of === "message" ? "Message" : "Answer"} ${number} of ${count}`);
  };
  return (
    <fieldset class="versions" aria-label={`Versions of this ${of}`} ref={element}>
      <IconButton
        icon="left"
        size={16}
        label={`Previous version of this ${of}`}
        onClick={() => show(previous, at === 1 ? count : at - 1)}
      />
      <span>
        <span class="unseen">Version </span>
        {at}
        <span aria-hidden="true">/</span>
        <span class="unseen"> of </span>
        {count}
      </span>
      <IconButton icon="right" size={16} label={`Next version of this ${of}`} onClick={() => show(next, at === count ? 1 : at + 1)} />
    </fieldset>
  );
}
