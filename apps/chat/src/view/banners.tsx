import type { ComponentChildren, JSX } from "preact";
import { loadedModel } from "../state/model.ts";
import { loadOffered, offeredModel } from "../state/received.ts";
import { applyUpdate, putOffUpdate, update } from "../state/update.ts";
import { formatBytes } from "../text/format.ts";

/** What the page has to say that is about no conversation: a line below the header with what can be done. */
export function Banners(): JSX.Element {
  return (
    <div class="banners" aria-live="polite">
      {update.value === "offered" && (
        <Banner label="New version">
          <p>A new version of Longtab is ready. Your conversations and what you are writing stay.</p>
          <button type="button" class="button primary" onClick={() => void applyUpdate()}>
            Update
          </button>
          <button type="button" class="button quiet" onClick={putOffUpdate}>
            Later
          </button>
        </Banner>
      )}
      {update.value === "waiting for tabs" && (
        <Banner label="New version">
          <p>Longtab updates as soon as its other tabs have finished what they are doing.</p>
          <button type="button" class="button quiet" onClick={putOffUpdate}>
            Not now
          </button>
        </Banner>
      )}
      {offeredModel.value !== null && <OfferedModel file={offeredModel.value} />}
    </div>
  );
}

function OfferedModel({ file: { name, size } }: { file: File }): JSX.Element {
  return (
    <Banner label="Model sent here">
      <p>
        <strong>{name}</strong> ({formatBytes(size)}) was sent to Longtab.
        {loadedModel.value !== null && " It would take the present model’s place."}
      </p>
      <button type="button" class="button primary" onClick={() => void loadOffered()}>
        Load it
      </button>
      <button type="button" class="button quiet" onClick={() => (offeredModel.value = null)}>
        Don’t
      </button>
    </Banner>
  );
}

function Banner({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="banner" aria-label={label}>
      {children}
    </section>
  );
}
