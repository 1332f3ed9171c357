import type { ComponentChildren, JSX } from "preact";
import { availability, choice, expectedBackend } from "../state/model.ts";
import { formatBytes } from "../text/format.ts";
import { Icon, type IconName } from "./icons.tsx";

/** What happens on this device, for who has never been here. */
export function FirstVisit(): JSX.Element {
  const { name, entry } = choice.value;
  return (
    <section class="first-visit" aria-labelledby="first-visit-title">
      <h2 id="first-visit-title">What happens here</h2>
      <ol>
        <Point icon="download" title="One download">
          {name}
          {entry !== undefined && `, ${formatBytes(entry.size)},`} comes from the Hugging Face hub, or from this page’s own host, once, when
          you press the button. It stays in this browser until you delete it.
        </Point>
        <Point icon="device" title="Then it runs here">
          {placeWords()} It needs no connection from then on.
        </Point>
        <Point icon="lock" title="Nothing is sent">
          What you write, attach and read is kept in this browser only. There is no account, nobody counts visits, and what you clear is
          gone: export what you want to keep.
        </Point>
      </ol>
    </section>
  );
}

function placeWords(): string {
  if (availability.value === null || availability.value.state === "unavailable") return "Your own device does the work.";
  return expectedBackend.value === "webgpu"
    ? "Your graphics card does the work."
    : "Your processor does the work, because this browser offers no graphics card (WebGPU): answers come, only slower. A newer browser may offer one.";
}

function Point({ icon, title, children }: { icon: IconName; title: string; children: ComponentChildren }): JSX.Element {
  return (
    <li>
      <Icon name={icon} size={22} />
      <div>
        <h3>{title}</h3>
        <p>{children}</p>
      </div>
    </li>
  );
}
