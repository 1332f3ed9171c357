/** Events of a port as an async iterator for one reader: what arrives before it is asked for waits. */
export class EventQueue<Event> implements AsyncIterableIterator<Event, undefined> {
  #events: Event[] = [];
  #wake: () => void = () => {};
  #ended = false;
  #failure: Error | undefined;

  get ended(): boolean {
    return this.#ended;
  }

  /** What comes after the end is dropped. */
  push(event: Event): void {
    if (this.#ended) return;
    this.#events.push(event);
    this.#wake();
  }

  /** The reader gets what waits, and then the end or the failure. The first end counts. */
  end(failure?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#wake();
  }

  async next(): Promise<IteratorResult<Event, undefined>> {
    while (this.#events.length === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    const event = this.#events.shift();
    if (event !== undefined) return { done: false, value: event };
    if (this.#failure) throw this.#failure;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
