import type { JSX } from "preact";
import { summaries } from "../state/conversations.ts";
import { checkAvailability } from "../state/model.ts";
import { Icon } from "./icons.tsx";

/** What to do where WebGPU is missing; the browser's own case comes from the library, the list is for the others. */
export function Unavailable({ reason, remedy }: { reason: string; remedy: string }): JSX.Element {
  return (
    <section class="card" aria-label="Model">
      <div class="problem" role="alert">
        <Icon name="alert" />
        <div>
          <p class="problem-title">This browser cannot run the model yet</p>
          <p>
            {reason} {remedy}
          </p>
          <ul class="browsers">
            <li>
              <strong>Chrome and Edge:</strong> version 113 or newer. On Linux open <code>chrome://flags/#enable-unsafe-webgpu</code>,
              enable it and restart.
            </li>
            <li>
              <strong>Safari:</strong> version 26 or newer, on macOS, iOS and iPadOS.
            </li>
            <li>
              <strong>Firefox:</strong> version 141 or newer on Windows, 145 or newer on macOS.
            </li>
            <li>In any browser, graphics acceleration must be on, and the page’s address must begin with https or name this computer.</li>
          </ul>
          {summaries.value.length > 0 && <p>Your conversations stay readable.</p>}
          <div class="problem-ways">
            <button type="button" class="button primary" onClick={() => void checkAvailability()}>
              Look again
            </button>
          </div>
        </div>
      </div>
    </section>
  );
}
