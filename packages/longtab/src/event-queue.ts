/** Events of a port as an async iterator: what arrives before it is asked for waits. */
export class EventQueue<Event> implements AsyncIterableIterator<Event, undefined> {
  #events: Event[] = [];
  #waiting: (() => void) | undefined;
  #ended = false;
  #failure: Error | undefined;

  push(event: Event): void {
    this.#events.push(event);
    this.#waiting?.();
  }

  end(failure?: Error): void {
    this.#ended = true;
    this.#failure = failure;
    this.#waiting?.();
  }

  async next(): Promise<IteratorResult<Event, undefined>> {
    while (this.#events.length === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#waiting = resolve));
    const event = this.#events.shift();
    if (event !== undefined) return { done: false, value: event };
    if (this.#failure) throw this.#failure;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
