import { LongtabError } from "@longtab/errors";
import type { SerializedError } from "@longtab/errors";
import { transferHandlers } from "comlink";
import type { TransferHandler } from "comlink";

interface Thrown {
  value: unknown;
}

/**
 * Makes Comlink carry typed errors: its own handler keeps only message, name and stack. Both sides must call it before the first message.
 */
export function carryTypedErrors(): void {
  const stock = transferHandlers.get("throw");
  if (!stock) throw new LongtabError({ code: "internal", what: "Comlink has no handler for errors" });
  const typed: TransferHandler<Thrown, SerializedError> = {
    canHandle: (value): value is Thrown => stock.canHandle(value),
    serialize: ({ value }) => [LongtabError.from(value).serialize(), []],
    deserialize: (data) => {
      throw LongtabError.deserialize(data);
    },
  };
  transferHandlers.set("throw", typed);
}
