import { LongtabError, catalogue, findCatalogueEntry, isLongtabError, weightsRequest } from "longtab/parts";
import type { BackendChoice, CatalogueEntry, PolicyName } from "longtab/parts";

/** What an engine is made for: elements that agree in all of it share one. */
export interface EngineOptions {
  model: string;
  modelBase: string | undefined;
  context: PolicyName;
  backend: BackendChoice;
}

export type Theme = "auto" | "light" | "dark";

/** How the chat is opened: it stands in the page, a bubble opens it, or the page's own elements do. */
export type Opener = { kind: "none" | "bubble" } | { kind: "selector"; selector: string };

/** What a model reference says before anything is fetched. */
export interface ModelFacts {
  /** By which it is stored. */
  id: string;
  name: string;
  /** Bytes, where they are known. */
  size: number | undefined;
  urls: readonly string[];
  entry: CatalogueEntry | undefined;
}

/** A value that was found sound, or what is wrong with it beside what is used in its place. */
export interface Checked<T> {
  value: T;
  problem?: LongtabError;
}

const contexts: readonly [PolicyName, ...PolicyName[]] = ["auto", "dense", "streaming", "duo", "quest", "duo+quest", "far"];
const backends: readonly [BackendChoice, ...BackendChoice[]] = ["auto", "webgpu", "cpu"];
const themes: readonly [Theme, ...Theme[]] = ["auto", "light", "dark"];

/** A page's attributes are input like any other: null where one is missing. */
export type Attributes = (name: string) => string | null;

/** @param ownModels the base where no attribute names one. */
export function readEngineOptions(attribute: Attributes, ownModels?: string): Checked<EngineOptions> {
  const context = oneOf("context", attribute("context"), contexts);
  const backend = oneOf("backend", attribute("backend"), backends);
  const model = attribute("model")?.trim() || (catalogue[0]?.id ?? "");
  const base = readBase(attribute("model-base"));
  const problem = context.problem ?? backend.problem ?? base.problem;
  return {
    value: { model, modelBase: base.value ?? ownModels, context: context.value, backend: backend.value },
    ...(problem && { problem }),
  };
}

export function readTheme(attribute: Attributes): Checked<Theme> {
  return oneOf("theme", attribute("theme"), themes);
}

/** @param isSelector whether a text can be looked for in a page. */
export function readOpener(attribute: Attributes, isSelector: (text: string) => boolean): Checked<Opener> {
  const text = attribute("opener")?.trim() ?? "";
  if (text === "" || text === "none") return { value: { kind: "none" } };
  if (text === "bubble") return { value: { kind: "bubble" } };
  if (isSelector(text)) return { value: { kind: "selector", selector: text } };
  const remedy = 'write "bubble", "none", or a CSS selector such as "#help"';
  return { value: { kind: "none" }, problem: invalid("The attribute opener is no selector", text, remedy) };
}

/** @throws LongtabError `invalid-option` for what is no model reference. */
export function describeModel({ model, modelBase }: EngineOptions): ModelFacts {
  const entry = findCatalogueEntry(model);
  try {
    const { id, name, size, urls } = weightsRequest(model, modelBase);
    return { id, name, size, urls, entry };
  } catch (error) {
    if (!isLongtabError(error) || /[/:]/.test(model)) throw error;
    const known = catalogue.map(({ id }) => id).join(", ");
    throw invalid("There is no model of this name", model, `take one of ${known}, "hf:owner/repository/file.gguf" or a URL`);
  }
}

function readBase(text: string | null): Checked<string | undefined> {
  if (text === null || text.trim() === "") return { value: undefined };
  const base = URL.canParse(text, globalThis.document?.baseURI) ? new URL(text, globalThis.document?.baseURI) : undefined;
  if (base && /^https?:$/.test(base.protocol)) return { value: base.href };
  return {
    value: undefined,
    problem: invalid("The attribute model-base is no address", text, "write the address of the folder that has the model files"),
  };
}

function oneOf<T extends string>(name: string, text: string | null, values: readonly [T, ...T[]]): Checked<T> {
  const found = values.find((value) => value === (text?.trim() || values[0]));
  if (found !== undefined) return { value: found };
  const problem = invalid(`The attribute ${name} has an unknown value`, text ?? "", `use one of ${values.join(", ")}`);
  return { value: values[0], problem };
}

function invalid(what: string, value: string, remedy: string): LongtabError {
  return new LongtabError({ code: "invalid-option", what, value: value.slice(0, 200), remedy });
}
