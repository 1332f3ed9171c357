import { Environment, Interpreter } from "@huggingface/jinja";

type Node = Parameters<Interpreter["evaluate"]>[0];
type Value = ReturnType<Interpreter["evaluate"]>;

/** The parts of the syntax tree that are looked at here; the library does not export their types. */
interface Syntax {
  readonly type: string;
  readonly iterable?: Syntax;
  readonly lhs?: Syntax;
  readonly left?: Node;
  readonly right?: Node;
  readonly operator?: { readonly value: string };
  readonly callee?: Syntax;
  readonly args?: readonly Syntax[];
  readonly object?: Syntax;
  readonly property?: Syntax;
  readonly operand?: Syntax;
  readonly filter?: Syntax;
  readonly value?: unknown;
}

/** What Python's str.strip takes off; JavaScript's trim takes U+FEFF too and leaves U+001C to U+001F and U+0085. */
const PYTHON_SPACE = /\p{White_Space}/u;
const PYTHON_SEPARATORS = "\x1c\x1d\x1e\x1f";

/** A turn of a loop costs as much as this many evaluations, even an empty one. */
const STEPS_PER_ITEM = 10;

/**
 * Evaluations within one another, far beyond what a chat template nests. A macro that calls itself adds some ten, and a scope that every look-up
 * below it goes through: thousands of those took minutes.
 */
const MOST_NESTED = 1000;

export interface Bounds {
  /** Evaluations, each with a hundredth of its value's characters or items; a list that is looped over costs ten for each item. */
  readonly steps: number;
  /** Characters of one string; items of one list, with all that is in it. */
  readonly length: number;
}

/** A template went beyond its bounds. */
export class LimitReached extends Error {
  readonly value: number;
  readonly limit: number;

  constructor(what: string, value: number, limit: number) {
    super(what);
    this.value = value;
    this.limit = limit;
  }
}

/**
 * The library's interpreter under limits, since templates come with model files from anywhere and run on the worker's only thread:
 * steps and sizes of values are counted. It also strips as Python does: with the characters asked for, and Python's whitespace.
 */
export class BoundedInterpreter extends Interpreter {
  readonly #bounds: Bounds;
  #steps = 0;
  #nested = 0;
  readonly #iterables = new Set<unknown>();
  readonly #weights = new WeakMap<object, number>();

  constructor(environment: Environment, bounds: Bounds) {
    super(environment);
    this.#bounds = bounds;
  }

  override evaluate(node: Node, environment: Environment): Value {
    if (this.#nested === MOST_NESTED) throw new LimitReached("is nested too deeply", MOST_NESTED + 1, MOST_NESTED);
    this.#nested++;
    try {
      return this.#evaluate(node, environment);
    } finally {
      this.#nested--;
    }
  }

  #evaluate(node: Node, environment: Environment): Value {
    this.#spend(1);
    const syntax: Syntax | undefined = node;
    if (syntax?.type === "For") this.#iterables.add(syntax.iterable?.type === "SelectExpression" ? syntax.iterable.lhs : syntax.iterable);
    const value = this.#strip(syntax, environment) ?? this.#compare(syntax, environment) ?? super.evaluate(node, environment);
    this.#weigh(value);
    const size = sizeOf(value);
    this.#spend(this.#iterables.has(node) ? STEPS_PER_ITEM * size : size / 100);
    return value;
  }

  #spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#bounds.steps) {
      throw new LimitReached("takes too many steps", Math.ceil(this.#steps), this.#bounds.steps);
    }
  }

  /** Characters of a string, or of everything in a list or mapping, with one for each item. */
  #weigh(value: Value): number {
    const content: unknown = value.value;
    let weight = 1;
    if (typeof content === "string") weight = content.length;
    else if ((Array.isArray(content) || content instanceof Map) && value.type !== "NamespaceValue") {
      const known = this.#weights.get(value);
      if (known !== undefined) return known;
      for (const item of content.values() as Iterable<Value>) weight += 1 + this.#weigh(item);
      this.#weights.set(value, weight);
    }
    if (weight > this.#bounds.length) throw new LimitReached("makes a value that is too large", weight, this.#bounds.length);
    return weight;
  }

  /** The value of `x.strip(...)`, `x.lstrip(...)`, `x.rstrip(...)` and `x | trim` for strings; undefined for anything else. */
  #strip(node: Syntax | undefined, environment: Environment): Value | undefined {
    const { method, subject } = stripping(node);
    if (method === undefined || subject === undefined) return undefined;
    const text = this.evaluate(subject, environment);
    if (typeof text.value !== "string") return undefined;
    const wanted = node?.args?.[0] === undefined ? undefined : this.evaluate(node.args[0], environment).value;
    const named = typeof wanted === "string" ? new Set(wanted) : undefined;
    const isKept = (character: string): boolean => !(named === undefined ? isPythonSpace(character) : named.has(character));
    const characters = Array.from(text.value);
    const start = method === "rstrip" ? 0 : characters.findIndex(isKept);
    const end = method === "lstrip" ? characters.length : characters.findLastIndex(isKept) + 1;
    const kept = start < 0 ? "" : characters.slice(start, end).join("");
    return new (text.constructor as new (value: string) => Value)(kept);
  }

  /**
   * The value of `==` and `!=`; undefined for anything else. Beside a string or a number the library would write a list out, all that is in it, however
   * small the list itself; here, as in Python, they differ.
   */
  #compare(node: Syntax | undefined, environment: Environment): Value | undefined {
    const operator = node?.type === "BinaryExpression" ? node.operator?.value : undefined;
    if ((operator !== "==" && operator !== "!=") || node?.left === undefined || node.right === undefined) return undefined;
    const left: unknown = this.evaluate(node.left, environment).value;
    const right: unknown = this.evaluate(node.right, environment).value;
    // oxlint-disable-next-line eqeqeq -- as the library: 1 is true, undefined is none
    const equal = isPlain(left) && isPlain(right) ? left == right : left === right;
    return new Environment().set("equal", equal === (operator === "=="));
  }
}

function stripping(node: Syntax | undefined): { method?: string | undefined; subject?: Syntax | undefined } {
  if (node?.type === "FilterExpression" && node.filter?.type === "Identifier" && node.filter.value === "trim") {
    return { method: "strip", subject: node.operand };
  }
  const called = node?.type === "CallExpression" && node.callee?.type === "MemberExpression" ? node.callee : undefined;
  const name = called?.property?.type === "Identifier" ? called.property.value : undefined;
  return name === "strip" || name === "lstrip" || name === "rstrip" ? { method: name, subject: called?.object } : {};
}

function isPlain(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function");
}

function sizeOf({ value }: Value): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  return value instanceof Map ? value.size : 0;
}

function isPythonSpace(character: string): boolean {
  return PYTHON_SPACE.test(character) || PYTHON_SEPARATORS.includes(character);
}
