/**
 * Writes messages in Protocol Buffers' wire format (https://protobuf.dev/programming-guides/encoding/): the two wire types that an ONNX
 * model needs. Bytes are kept by reference until `finish` copies all of them once.
 */
export class ProtobufWriter {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  /** An int32, int64 or enum field. @param value a non-negative safe integer */
  integer(field: number, value: number): this {
    return this.#tag(field, VARINT).#varint(value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#tag(field, LENGTH_DELIMITED).#varint(value.byteLength).#append(value);
  }

  message(field: number, value: ProtobufWriter): this {
    this.#tag(field, LENGTH_DELIMITED).#varint(value.#size);
    for (const part of value.#parts) this.#append(part);
    return this;
  }

  /** The whole message, in a buffer of its own. */
  finish(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.byteLength;
    }
    return whole;
  }

  #tag(field: number, wireType: number): this {
    return this.#varint(field * 8 + wireType);
  }

  /** Seven bits a byte, lowest first; every byte but the last has its high bit set. */
  #varint(value: number): this {
    const bytes: number[] = [];
    let rest = value;
    while (rest >= 0x80) {
      bytes.push((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    bytes.push(rest);
    return this.#append(Uint8Array.from(bytes));
  }

  #append(part: Uint8Array): this {
    this.#parts.push(part);
    this.#size += part.byteLength;
    return this;
  }
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;
