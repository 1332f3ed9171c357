/** What the double plays; the page's address carries it as ?scenario=<JSON>. Everything has a working default. */
export interface Scenario {
  /** "none": first visit; "part": a download that was broken off; "all": stored. */
  stored?: "none" | "part" | "all";
  unavailable?: boolean;
  /** "real", where nothing is said; "none"; "later": one that is there only once a model is loaded. */
  gpu?: "real" | "none" | "later";
  /** "families": a catalogue of several, of which one fits, one hardly and one not at all. */
  catalogue?: "families";
  /** What the browser says of the device's memory, GiB; and what it grants the page, bytes. */
  deviceMemory?: number;
  quota?: number;
  /** The browser does not promise to keep what is stored. */
  refusesToPersist?: boolean;
  /** Tokens of a context that ends. */
  contextLength?: number;
  /** No head map is known for the model. */
  headMap?: "missing";
  /** Hold while the model is measured. */
  holdMeasure?: boolean;
  /** Texts that the answers looked at; a text before which everything is forgotten, and one before which it can only be looked up. */
  retrieved?: string[];
  forgotten?: string;
  far?: string;
  /** Stop the load in this phase, half-way; never resolves until cancelled. */
  holdLoadAt?: "download" | "verify" | "upload" | "shaders";
  /** Code of the error with which the load, or an answer after some words, fails. */
  loadError?: string;
  answerError?: string;
  /** End the answers at their limit, after so many words. */
  endAfterWords?: number;
  /** Hold while reading the prompt, or after this many words of the answer. */
  holdReading?: boolean;
  holdAfterWords?: number;
  /** Milliseconds for 64 tokens of a prompt. */
  readMs?: number;
  answer?: string;
  /** Milliseconds a word; 0: as fast as the page can take them. */
  wordMs?: number;
}
